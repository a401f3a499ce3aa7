package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestARebuildThatIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	killRebuild(t, filepath.Join(t.TempDir(), "bank.db"))
}

func killRebuild(t *testing.T, store string) {
	t.Helper()
	run(t, store, "simulate", "--accounts", "6", "--operations", fmt.Sprint(few(1500)), "--name", "x")
	before := run(t, store, "balances")
	for kill := range 4 { // at another moment each time
		p := newProcess(t, store, "rebuild", "--partitions", fmt.Sprint(1+kill%2*3))
		p.start(t)
		time.Sleep(time.Duration(kill) * 25 * time.Millisecond)
		_ = p.Process.Kill() // it may be through
		_ = p.Wait()
		if out := run(t, store, "balances"); out != before {
			t.Errorf("after a kill the balances are\n%s, want\n%s", out, before)
		}
	}
	if out := run(t, store, "rebuild"); !strings.Contains(out, " of the balances serves: ") {
		t.Errorf("rebuild: %s", out)
	}
	if out := run(t, store, "balances"); out != before {
		t.Errorf("rebuilt the balances are\n%s, want\n%s", out, before)
	}
}

// A rebuild that is killed when its version serves leaves the older one behind, as one does that is told to.
func TestARebuildDropsAllOlderVersions(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "bank.db")
	run(t, store, "open", "ada", "--owner", "Ada", "--currency", "EUR")
	run(t, store, "balances")
	for range 2 {
		if out := run(t, store, "rebuild", "--keep-old"); strings.Contains(out, "dropped") {
			t.Errorf("rebuild --keep-old: %s", out)
		}
	}
	out := run(t, store, "rebuild")
	for version := range 3 {
		if !strings.Contains(out, fmt.Sprintf("Version %d was dropped.\n", version+1)) {
			t.Errorf("version %d was not dropped:\n%s", version+1, out)
		}
	}
}

func TestATransferTimesOutOnceThoughWhoWaitsIsKilled(t *testing.T) {
	t.Parallel()
	killWork(t, filepath.Join(t.TempDir(), "bank.db"))
}

func killWork(t *testing.T, store string) {
	t.Helper()
	run(t, store, "open", "ada", "--owner", "Ada", "--currency", "EUR")
	run(t, store, "deposit", "ada", "100", "EUR")
	const transfers = 4
	for n := range transfers {
		run(t, store, "send", "ada", "DE-1", "1.00", "EUR", "--id", fmt.Sprint("t", n), "--timeout", "700ms")
		p := newProcess(t, store, "work")
		p.start(t)
		time.Sleep(time.Duration(n) * 300 * time.Millisecond)
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.Wait()
	}
	run(t, store, "work", "--until-settled") // what came due meanwhile is made up for
	if out := run(t, store, "outgoing"); strings.Count(out, "returned") != transfers {
		t.Errorf("outgoing:\n%s", out)
	}
	out := run(t, store, "statement", "ada")
	for n := range transfers {
		note := fmt.Sprintf("(transfer t%d)", n)
		if strings.Count(out, note) != 2 || strings.Count(out, "returned from DE-1 "+note) != 1 {
			t.Errorf("transfer %d has not left and come back once:\n%s", n, out)
		}
	}
	if out := run(t, store, "balances"); !strings.Contains(out, " 100.00 EUR ") {
		t.Errorf("balances:\n%s", out)
	}
	if out := run(t, store, "verify"); !strings.Contains(out, "The books are right.") {
		t.Errorf("verify: %s", out)
	}
}
