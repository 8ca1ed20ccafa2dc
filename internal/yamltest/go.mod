module github.com/charmsmith/charmsmith/internal/yamltest

go 1.26.0

replace github.com/charmsmith/charmsmith => ../..

require (
	github.com/charmsmith/charmsmith v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
	gopkg.in/yaml.v2 v2.4.0
	gopkg.in/yaml.v3 v3.0.1
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
