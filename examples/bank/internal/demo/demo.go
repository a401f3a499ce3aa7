// Package demo is a guided run through what an event store and its aggregates
// promise. Each chapter does something for real, shows it, and checks what it claims.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
)

// Run prints the guided run to out. It works on an SQLite file of its own, which it removes in the
// end. The error names the claims that did not hold.
func Run(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "bank-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "bank.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(store.Close(), err) }()
	return tell(ctx, out, store, "a new SQLite file")
}

// RunIn is Run on a store of the caller's, which must be empty and keeps what was done.
func RunIn(ctx context.Context, out io.Writer, store es.Store) error {
	feed, ok := es.Capability[es.Feed](store)
	if !ok {
		return errors.New("demo: the store has no feed, so that nobody can tell whether it is empty")
	}
	head, err := feed.Head(ctx)
	if err != nil {
		return err
	}
	if head > 0 {
		return errors.New("demo: the store is not empty: name another one, or none")
	}
	return tell(ctx, out, store, "the empty store that you named")
}

// tell runs the chapters over a store.
func tell(ctx context.Context, out io.Writer, store es.Store, place string) error {
	began := time.Now()
	g := &guide{ctx: ctx, out: out, store: store}
	g.bank = bank.New(store, func(err error) { g.failed = append(g.failed, err.Error()) })
	g.say("A bank in an event store: five things that it does for you, done for real on %s.", place)
	for i, chapter := range []struct {
		title string
		run   func(*guide) error
	}{
		{"An event that an old build stored is read as today's", oldEvent},
		{"Two clerks at one account: the second is refused", conflict},
		{"A request that comes twice is carried out once", duplicate},
		{"A snapshot shortens the load", snapshot},
		{"A look into the past", past},
	} {
		g.say("\n%d. %s\n", i+1, chapter.title)
		if err := chapter.run(g); err != nil {
			return fmt.Errorf("demo, chapter %d (%s): %w", i+1, chapter.title, err)
		}
	}
	books, err := g.bank.Verify(ctx, "", nil)
	if err != nil {
		return err
	}
	g.say("")
	g.check(len(books.Wrong) == 0, "all %d events were read again from the first on: the books are right", books.Events)
	if len(g.failed) > 0 {
		return fmt.Errorf("demo: not as claimed: %s", strings.Join(g.failed, "; "))
	}
	g.say("\nDone in %s. Now try: bank open alice --owner \"Alice Ada\" --currency EUR", time.Since(began).Round(time.Millisecond))
	return nil
}

// guide is what the chapters share.
type guide struct {
	ctx    context.Context
	out    io.Writer
	store  es.Store
	bank   *bank.Bank
	failed []string // the claims that did not hold
}

// say prints a line.
func (g *guide) say(format string, args ...any) { fmt.Fprintf(g.out, format+"\n", args...) }

// show prints a value under a label.
func (g *guide) show(label, format string, args ...any) {
	fmt.Fprintf(g.out, "   %-24s %s\n", label, fmt.Sprintf(format, args...))
}

// check prints a claim and whether it holds.
func (g *guide) check(holds bool, format string, args ...any) {
	claim, mark := fmt.Sprintf(format, args...), "✓"
	if !holds {
		mark = "✗ NOT SO:"
		g.failed = append(g.failed, claim)
	}
	fmt.Fprintf(g.out, "   %s %s\n", mark, claim)
}
