module github.com/charmsmith/charmsmith

go 1.26
