package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
)

func journalPlace(t testing.TB) string {
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "journal")
}

func TestASoundStorePasses(t *testing.T) {
	Run(t, Harness{
		Place:    journalPlace,
		Open:     func(_ context.Context, place string) (es.Store, error) { return openJournal(place) },
		Complete: true,
	})
}

// bare has none of the optional interfaces.
type bare struct{ es.Store }

func TestOnlyWhatAStoreLacksIsSkipped(t *testing.T) {
	h := Harness{Open: func(context.Context, string) (es.Store, error) { return bare{memory.New()}, nil }}
	for _, c := range Clauses() {
		failed, skipped, log := verdict(t, c, h)
		area, _, _ := strings.Cut(c.Name, "/")
		optional := area == "Feed" || area == "Checkpoint" || area == "Progress" || area == "Timers" || area == "Parked" || area == "Readers" || area == "Group" || area == "Identity" || area == "List" || area == "Watch" || area == "Close" || area == "Durability" || strings.HasSuffix(c.Name, "/AfterReopening")
		if failed || skipped != optional || skipped && log == "" {
			t.Errorf("%s of a store without optional interfaces: failed %t, skipped %t, saying %q", c.Name, failed, skipped, log)
		}
	}
	h.Complete = true
	for _, c := range Clauses() {
		if c.Name != "Feed/Head" {
			continue
		}
		if failed, _, log := verdict(t, c, h); !failed || !strings.Contains(log, "es.Feed") {
			t.Errorf("%s with a harness that is Complete, of a store without a feed: failed %t, saying %q", c.Name, failed, log)
		}
	}
}

func TestAStoreThatDoesNotOpenFails(t *testing.T) {
	h := Harness{Open: func(context.Context, string) (es.Store, error) { return nil, errors.New("no disk") }}
	if failed, _, log := verdict(t, Clauses()[0], h); !failed || !strings.Contains(log, "no disk") {
		t.Errorf("failed %t, saying %q", failed, log)
	}
}

func TestClausesAreNamedOnceAndSayWhatMustHold(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Clauses() {
		area, promise, ok := strings.Cut(c.Name, "/")
		if !ok || area == "" || promise == "" || seen[c.Name] {
			t.Errorf("clause %q: want Area/Promise, once", c.Name)
		}
		seen[c.Name] = true
		if !strings.HasSuffix(c.Promise, ".") && !strings.HasSuffix(c.Promise, ".)") {
			t.Errorf("clause %s: its promise is no sentence: %q", c.Name, c.Promise)
		}
	}
}
