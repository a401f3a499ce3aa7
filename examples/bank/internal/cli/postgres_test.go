package cli

import (
	"strings"
	"testing"

	"github.com/esgen-go/esgen/internal/pgtest"
)

// What processes do on a file they do in a database, too.
func TestTheBankInPostgreSQL(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	t.Run("Demo", func(t *testing.T) {
		store := server.Database(t)
		out := run(t, "", "demo", "--store", store)
		if !strings.Contains(out, "the books are right") || strings.Contains(out, "NOT SO") {
			t.Errorf("demo:\n%s", out)
		}
		if out := run(t, store, "verify"); !strings.Contains(out, "The books are right.") {
			t.Errorf("verify: %s", out)
		}
	})
	t.Run("NoBank", func(t *testing.T) {
		p := newProcess(t, server.Database(t), "accounts")
		p.start(t)
		if err := p.Wait(); err == nil || !strings.Contains(p.errs.String(), "there is no bank in this database") {
			t.Errorf("accounts of a database without tables: %v\n%s%s", err, &p.out, &p.errs)
		}
	})
	for name, story := range map[string]func(*testing.T, string){
		"ImportKilledAndRepeated": killAndRepeatImport,
		"ImportTwiceAtOnce":       importTwiceAtOnce,
		"SimulateTwiceAtOnce":     simulateTwiceAtOnce,
		"SimulationsKilled":       killSimulations,
		"RebuildKilled":           killRebuild,
		"WorkKilled":              killWork,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, server.Database(t))
		})
	}
}
