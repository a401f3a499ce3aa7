package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
)

// process is the bank as a process of its own.
type process struct {
	*exec.Cmd
	out, errs bytes.Buffer
}

func newProcess(t *testing.T, store string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, args...)}
	p.Env = append(os.Environ(), asBank+"=1", quickExit, "BANK_STORE="+store)
	p.Stdout, p.Stderr = &p.out, &p.errs
	return p
}

func (p *process) start(t *testing.T) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() }) // where the test did not get to its end
}

// finish waits for a clean end.
func (p *process) finish(t *testing.T) {
	t.Helper()
	if err := p.Wait(); err != nil {
		t.Errorf("bank %s: %v\n%s%s", strings.Join(p.Args[1:], " "), err, &p.out, &p.errs)
	}
}

func run(t *testing.T, store string, args ...string) string {
	t.Helper()
	p := newProcess(t, store, args...)
	p.start(t)
	p.finish(t)
	return p.out.String()
}

// history is a file of operations and the number of its rows; each account ends with rounds cents. Most rows
// would be refused before those above them.
func history(t *testing.T, accounts, rounds int) (file string, rows int) {
	t.Helper()
	var b strings.Builder
	row := func(format string, args ...any) {
		rows++
		fmt.Fprintf(&b, `{"id":"row-%d",`+format+"}\n", append([]any{rows}, args...)...)
	}
	for a := range accounts {
		row(`"kind":"open","account":"a%d","owner":"Owner %d","currency":"EUR"`, a, a)
	}
	for range rounds {
		for a := range accounts {
			row(`"kind":"deposit","account":"a%d","amount":"0.06 EUR"`, a)
			row(`"kind":"withdraw","account":"a%d","amount":"0.05 EUR"`, a)
		}
		for a := range accounts {
			row(`"kind":"transfer","account":"a%d","to":"a%d","amount":"0.01 EUR"`, a, (a+1)%accounts)
		}
	}
	file = filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, rows
}

// awaitEvents waits until a store has n events, and returns how many it has.
func awaitEvents(t *testing.T, store string, n int) int {
	t.Helper()
	s, err := bank.OpenStore(t.Context(), store, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	feed, _ := es.Capability[es.Feed](s)
	for {
		head, err := feed.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if int(head) >= n {
			return int(head)
		}
		time.Sleep(5 * time.Millisecond) // the writers need the machine
	}
}

// few returns n, or a fifth of it in short mode: with the race detector everything takes its time.
func few(n int) int {
	if testing.Short() {
		return max(n/5, 2)
	}
	return n
}

// counted returns the number before some words of an import's summary.
func counted(t *testing.T, out, words string) int {
	t.Helper()
	for line := range strings.Lines(out) {
		if number, ok := strings.CutSuffix(strings.TrimSpace(line), "  "+words); ok {
			n, err := strconv.Atoi(strings.ReplaceAll(number, ",", ""))
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			return n
		}
	}
	return 0
}

// expectBooks verifies the store in a process of its own, and that each account has so many cents.
func expectBooks(t *testing.T, store string, accounts, cents int) {
	t.Helper()
	if out := run(t, store, "verify"); !strings.Contains(out, "The books are right.") {
		t.Errorf("verify: %s", out)
	}
	out := run(t, store, "accounts")
	if n := strings.Count(out, fmt.Sprintf("  0.%02d EUR  ", cents)); n != accounts {
		t.Errorf("%d of %d accounts have %d cents:\n%s", n, accounts, cents, out)
	}
}

func TestAnImportThatIsKilledHalfWayIsFinishedByRepeatingIt(t *testing.T) {
	t.Parallel()
	killAndRepeatImport(t, filepath.Join(t.TempDir(), "bank.db"))
}

func killAndRepeatImport(t *testing.T, store string) {
	t.Helper()
	accounts, rounds := 6, few(8)
	file, rows := history(t, accounts, rounds)
	for kill := 1; kill <= 3; kill++ { // each gets further than the one before
		p := newProcess(t, store, "import", "-", "--format", "jsonl")
		in, err := p.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		p.start(t)
		go feed(in, file) // and never close: the import can't end by itself
		awaitEvents(t, store, kill*rows/4)
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.Wait()
		run(t, store, "verify")
	}
	out := run(t, store, "import", file)
	already := counted(t, out, "already applied")
	if applied := counted(t, out, "applied"); already == 0 || applied+already != rows {
		t.Errorf("%d applied now and %d before, want %d together\n%s", applied, already, rows, out)
	}
	expectBooks(t, store, accounts, rounds)
	before := awaitEvents(t, store, 0)
	if out := run(t, store, "import", file); counted(t, out, "already applied") != rows || awaitEvents(t, store, 0) != before {
		t.Errorf("importing it once more is not without effect:\n%s", out)
	}
}

func feed(to io.Writer, file string) {
	data, err := os.ReadFile(file)
	if err == nil {
		_, _ = to.Write(data) // the reader may be killed
	}
}

func TestTwoProcessesImportTheSameFileAtOnce(t *testing.T) {
	t.Parallel()
	importTwiceAtOnce(t, filepath.Join(t.TempDir(), "bank.db"))
}

func importTwiceAtOnce(t *testing.T, store string) {
	t.Helper()
	accounts, rounds := 6, few(6)
	file, rows := history(t, accounts, rounds)
	var both [2]*process
	for i := range both {
		both[i] = newProcess(t, store, "import", file)
		both[i].start(t)
	}
	applied := 0
	for _, p := range both {
		p.finish(t)
		applied += counted(t, p.out.String(), "applied")
	}
	if applied != rows {
		t.Errorf("%d rows were applied by either, want %d", applied, rows)
	}
	expectBooks(t, store, accounts, rounds)
}

func TestTwoProcessesSimulateOnOneFileAtOnce(t *testing.T) {
	t.Parallel()
	simulateTwiceAtOnce(t, filepath.Join(t.TempDir(), "bank.db"))
}

func simulateTwiceAtOnce(t *testing.T, store string) {
	t.Helper()
	var both [2]*process
	for i := range both {
		both[i] = newProcess(t, store, "simulate", "--accounts", "3", "--shared", "3", "--operations", fmt.Sprint(few(250)), "--writers", "8", "--name", fmt.Sprint("p", i))
		both[i].start(t)
	}
	for _, p := range both {
		p.finish(t)
		if !strings.Contains(p.out.String(), "The books are right.") {
			t.Errorf("its books:\n%s", &p.out)
		}
	}
	if out := run(t, store, "verify"); !strings.Contains(out, "9 accounts") || !strings.Contains(out, "The books are right.") {
		t.Errorf("verify: %s", out)
	}
}

func TestASimulationThatIsKilledLeavesRightBooks(t *testing.T) {
	t.Parallel()
	killSimulations(t, filepath.Join(t.TempDir(), "bank.db"))
}

func killSimulations(t *testing.T, store string) {
	t.Helper()
	for round := range 3 {
		p := newProcess(t, store, "simulate", "--accounts", "4", "--shared", "2", "--operations", "1000000")
		p.start(t)
		awaitEvents(t, store, few(150)*(round+1))
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.Wait()
		if out := run(t, store, "verify"); !strings.Contains(out, "The books are right.") {
			t.Errorf("verify: %s", out)
		}
	}
}

func TestAnInterruptStopsCleanly(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "bank.db")
	p := newProcess(t, store, "simulate", "--operations", "1000000")
	p.start(t)
	awaitEvents(t, store, 100)
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
	if p.ProcessState.ExitCode() != exitInterrupted || !strings.HasSuffix(p.errs.String(), "bank: interrupted\n") {
		t.Errorf("exit status %d, want %d\n%s%s", p.ProcessState.ExitCode(), exitInterrupted, &p.out, &p.errs)
	}
	if out := p.out.String(); !strings.Contains(out, " operations by 16 writers on 50 accounts in ") || !strings.Contains(out, "the books were not checked") {
		t.Errorf("it does not tell what was done until then:\n%s", out)
	}
	if out := run(t, store, "verify"); !strings.Contains(out, "The books are right.") {
		t.Errorf("verify: %s", out)
	}
}
