// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/relation"
)

type Endpoint struct { // exported: an embedded field is only a key if it is
	Host string `databag:"host" json:"host"`
	Port int    `databag:"port,string" json:"port"`
}

type Secure struct {
	Endpoint
	CA string `databag:"ca,omitempty" json:"ca"`
}

type Label string

type lower struct{ Inner string }

func TestEmbedded(t *testing.T) {
	t.Parallel()
	db := Endpoint{"db.local", 5432}
	type plain struct {
		Endpoint
		Name string `databag:"name"`
	}
	type wholeKey struct {
		Endpoint `databag:"endpoint"`
		Name     string `databag:"name"`
	}
	type wholeKeyByType struct {
		Secure `databag:",omitempty"`
	}
	type wholePointer struct {
		*Endpoint `databag:"endpoint"`
	}
	type notExported struct {
		lower
		Name string `databag:"name"`
	}
	type inner struct {
		Endpoint `databag:"-"`
		Host     string `databag:"host"`
	}
	for name, test := range map[string]func(*testing.T){
		"its fields are keys":          isKept(plain{db, "n"}, texts{"host": `"db.local"`, "port": `5432`, "name": `"n"`}),
		"of an embedded struct":        isKept(struct{ Secure }{Secure{db, "pem"}}, texts{"host": `"db.local"`, "port": `5432`, "ca": `"pem"`}),
		"type not exported":            isKept(notExported{lower{"i"}, "n"}, texts{"Inner": `"i"`, "name": `"n"`}),
		"tagged is one key":            isKept(wholeKey{db, "n"}, texts{"endpoint": `{"host":"db.local","port":5432}`, "name": `"n"`}),
		"tagged without name":          isKept(wholeKeyByType{Secure{db, "pem"}}, texts{"Secure": `{"host":"db.local","port":5432,"ca":"pem"}`}),
		"tagged pointer":               isKept(wholePointer{&db}, texts{"endpoint": `{"host":"db.local","port":5432}`}),
		"tagged pointer that is nil":   isKept(wholePointer{}, texts{}),
		"outer field of the same name": isKept(inner{Host: "outer"}, texts{"host": `"outer"`}),
	} {
		t.Run(name, test)
	}
}

func TestEmbeddedIsNoKey(t *testing.T) {
	t.Parallel()
	type value struct {
		Endpoint `databag:"-"`
		*Secure  `databag:"-"`
		Name     string `databag:"name"`
	}
	bag := saved(t, value{Endpoint{"db.local", 5432}, &Secure{CA: "pem"}, "n"})
	assert.Equal(t, texts{"name": `"n"`}, bag)
	loaded, err := relation.Load[value](t.Context(), texts{"name": `"n"`, "host": `"x"`, "port": `1`, "Endpoint": `{}`})
	require.NoError(t, err)
	assert.Equal(t, value{Name: "n"}, loaded)
}

// No field is lost because Go cannot tell x.Host from x.Host: they have their
// keys.
func TestEmbeddedOfTheSameFieldName(t *testing.T) {
	t.Parallel()
	type read struct {
		Host string `databag:"read-host"`
	}
	type write struct {
		Host string `databag:"write-host"`
	}
	type outer struct {
		read
		Host string `databag:"host"`
	}
	type oneKey struct {
		Endpoint `databag:"endpoint"`
		write
	}
	type noKey struct {
		Endpoint `databag:"-"`
		write
	}
	type both struct {
		read
		write
	}
	t.Run("beside each other", isKept(both{read{"r"}, write{"w"}}, texts{"read-host": `"r"`, "write-host": `"w"`}))
	t.Run("in each other", isKept(outer{read{"r"}, "o"}, texts{"read-host": `"r"`, "host": `"o"`}))
	t.Run("in one that is one key", isKept(oneKey{Endpoint{"h", 1}, write{"w"}}, texts{"endpoint": `{"host":"h","port":1}`, "write-host": `"w"`}))
	t.Run("in one that is no key", isKept(noKey{write: write{"w"}}, texts{"write-host": `"w"`}))

	type sameKey struct {
		Host string `databag:"read-host"`
	}
	t.Run("and the same key", mistake[struct {
		read
		sameKey
	}](`key "read-host"`))
}

// An embedded type that is no struct is a field like others.
func TestEmbeddedNoStruct(t *testing.T) {
	t.Parallel()
	type tagged struct {
		Label `databag:"label"`
	}
	type untagged struct{ Label }
	type pointer struct{ *Label }
	t.Run("tagged", isKept(tagged{"x"}, texts{"label": `"x"`}))
	t.Run("pointer", isKept(pointer{new(Label("x"))}, texts{"Label": `"x"`}))
	t.Run("untagged", isKept(untagged{"x"}, texts{"Label": `"x"`}))
}

// As in Go, what a field hides does not clash, wherever the field stands.
func TestEmbeddedHidden(t *testing.T) {
	t.Parallel()
	type read struct{ Host string }
	type write struct{ Host string }
	type first struct {
		Host string
		read
		write
	}
	type only struct {
		read
		Host string
	}
	type last struct {
		read
		write
		Host string
	}
	t.Run("by the first field", isKept(first{Host: "h"}, texts{"Host": `"h"`}))
	t.Run("by the last field, once", isKept(only{Host: "h"}, texts{"Host": `"h"`}))
	t.Run("by the last field", isKept(last{Host: "h"}, texts{"Host": `"h"`}))
}
