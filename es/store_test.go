package es_test

import (
	"testing"

	"github.com/esgen-go/esgen/es"
)

type feedStore struct {
	es.Store
	es.Feed
}

type decorator struct{ es.Store }

func (d decorator) Unwrap() es.Store { return d.Store }

// opaque decorates without saying what.
type opaque struct{ es.Store }

func TestACapabilityIsFoundBehindDecorators(t *testing.T) {
	t.Parallel()
	inner := &feedStore{}
	for name, c := range map[string]struct {
		store es.Store
		found bool
	}{
		"the store itself":           {inner, true},
		"a decorator":                {decorator{inner}, true},
		"a decorator of a decorator": {decorator{decorator{inner}}, true},
		"an opaque decorator":        {opaque{inner}, false},
		"behind an opaque decorator": {decorator{opaque{inner}}, false},
		"a decorator of nothing":     {decorator{}, false},
		"a store without":            {opaque{}, false},
		"nothing":                    {nil, false},
	} {
		if f, ok := es.Capability[es.Feed](c.store); ok != c.found || ok && f != es.Feed(inner) {
			t.Errorf("%s: found %t, %v", name, ok, f)
		}
		if _, ok := es.Capability[es.Lister](c.store); ok {
			t.Errorf("%s: a Lister was found where none is", name)
		}
	}
}

func TestTheOutermostCapabilityIsFound(t *testing.T) {
	t.Parallel()
	outer := struct {
		decorator
		es.Feed
	}{decorator: decorator{&feedStore{}}}
	if f, ok := es.Capability[es.Feed](es.Store(outer)); !ok || f != es.Feed(outer) {
		t.Errorf("found %t, %v, want the decorator's own", ok, f)
	}
}
