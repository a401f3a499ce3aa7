package storetest

import (
	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

var identityClauses = []Clause{
	{
		Name:    "Identity/Stable",
		Promise: "A store has an identity, which is the same each time, through all stores that are open at the place, and after it was closed and opened again.",
		check:   identityStable,
	},
}

func identityStable(e *env) {
	identity := func(s es.Store) es.Identity {
		id, err := capability[es.Identified](e, s).Identity(e.ctx)
		if err != nil || id.Store == uuid.Nil {
			e.Fatalf("Identity: %+v, %v, want one that is not zero", id, err)
		}
		return id
	}
	want := identity(e.store)
	for _, s := range e.handles() {
		if got := identity(s); got != want {
			e.Fatalf("Identity: %+v, through another open store %+v", want, got)
		}
	}
	if e.harness.Place != nil {
		e.reopen()
	}
	if got := identity(e.store); got != want {
		e.Fatalf("Identity: %+v, later %+v", want, got)
	}
}
