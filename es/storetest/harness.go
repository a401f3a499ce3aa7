package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
)

// Harness tells the suite how to come by stores.
type Harness struct {
	// Place makes room for one store, empty and apart from all others (a file in a
	// temporary directory, a database schema), and returns the address that Open takes. What
	// it makes it removes with t.Cleanup. Nil means that nothing outlives a store: Open
	// then gets "" and returns a new, empty store each time, and what needs data that
	// outlive a store is skipped.
	Place func(t testing.TB) string

	// Open opens the store at a place, as empty as Place left it or with what was stored
	// there. It is called again after the store was closed, while it is open, and in
	// a child process. The context bounds the opening alone. The suite closes the
	// store if it has a method Close() error.
	Open func(ctx context.Context, place string) (es.Store, error)

	// Exclusive says that only one store at a time can be open at a place; clauses about
	// two of them are skipped.
	Exclusive bool

	// Complete says that the store has all optional interfaces: a clause then fails
	// where it would be skipped because one is missing.
	Complete bool

	test     string        // the name of the test that a child process runs
	patience time.Duration // how long a clause may take; 0 for the usual
}

// Clause is one promise of the contract.
type Clause struct {
	// Name is the subtest's: the area, a slash, the promise in short.
	Name string
	// Promise says what must hold.
	Promise string
	// Unforced says what belongs to the promise and no test can force; "" if there is
	// nothing.
	Unforced string

	check func(*env)
}

// Clauses returns the contract, in the order in which it is best read.
func Clauses() []Clause {
	return slices.Concat(
		appendClauses, expectedClauses, idempotencyClauses, payloadClauses, invalidClauses,
		readClauses, loadClauses, snapshotClauses, feedClauses, checkpointClauses, progressClauses,
		parkingClauses, readersClauses, groupClauses, identityClauses, timerClauses, listClauses, watchClauses,
		iteratorClauses, contextClauses, closeClauses, durabilityClauses, linearizableClauses, modelClauses,
	)
}

// Run checks every clause, each in a parallel subtest named after it.
func Run(t *testing.T, h Harness) {
	if runChild(t, h) {
		return
	}
	h.test = t.Name()
	for _, c := range Clauses() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Check(t, h)
		})
	}
}

// usualPatience is how long a clause may take before its contexts end, so that a store
// that hangs fails the clause at fault.
const usualPatience = 5 * time.Minute

func (h Harness) hangsAfter() time.Duration { return cmp.Or(h.patience, usualPatience) }

// Check checks this clause alone. A store that breaks it fails t.
func (c Clause) Check(t testing.TB, h Harness) {
	t.Helper()
	if runChild(t, h) {
		return
	}
	if h.test == "" {
		h.test = t.Name()
	}
	ctx, cancel := context.WithTimeout(t.Context(), h.hangsAfter())
	t.Cleanup(cancel)
	e := &env{TB: t, ctx: ctx, harness: h}
	if h.Place != nil {
		e.place = h.Place(t)
	}
	e.store = e.open()
	c.check(e)
	if t.Failed() {
		t.Log(c.String())
	}
}

// String returns the clause as it is read.
func (c Clause) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", c.Name, c.Promise)
	if c.Unforced != "" {
		fmt.Fprintf(&b, " No test forces: %s", c.Unforced)
	}
	return b.String()
}
