package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
)

// quickExit keeps the race detector from lingering for a second at the end of each process.
const quickExit = "GORACE=atexit_sleep_ms=0"

// asBank makes the test binary the bank itself, for tests that need processes of their own.
const asBank = "RUN_AS_BANK"

func TestMain(m *testing.M) {
	if os.Getenv(asBank) != "" {
		runBank()
	}
	testscript.Main(m, map[string]func(){"bank": runBank})
}

func runBank() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	os.Exit(Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Every script is a story that a person could type; see testdata/script.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, quickExit)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": status,
			"prints": printed,
		},
	})
}

// status N bank … runs the bank and requires its exit status.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if m := regexp.MustCompile(`exit status (\d+)`).FindStringSubmatch(errorText(err)); m != nil {
		got = m[1]
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// prints FILE compares the last standard output with a file, but for times, which read yyyy-mm-ddThh:mm:ss.uuuuuuZ there.
func printed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: prints FILE")
	}
	times := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z`)
	got := times.ReplaceAllString(ts.ReadFile("stdout"), "yyyy-mm-ddThh:mm:ss.uuuuuuZ")
	if want := ts.ReadFile(args[0]); got != want {
		ts.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAnImportThatBreaksOffSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	const row = `{"id":"o1","kind":"open","account":"ada","owner":"Ada","currency":"EUR"}` + "\n"
	for before, want := range map[string]string{
		"":  "",
		row: "1  applied\n\nThe import is not complete. Import the file again to go on: what is done stays done.\n",
	} {
		var out, errs strings.Builder
		in := io.MultiReader(strings.NewReader(before), iotest.ErrReader(errors.New("disk gone")))
		status := Run(t.Context(), []string{"import", "-", "--format", "jsonl", "--store", "memory:"}, in, &out, &errs)
		if status != exitFailed || out.String() != want || !strings.HasPrefix(errs.String(), "bank: importing the standard input: reading line ") || !strings.HasSuffix(errs.String(), ": disk gone\n") {
			t.Errorf("after %q: exit status %d\n%s%swant %d\n%s", before, status, &out, &errs, exitFailed, want)
		}
	}
}

// Half a statement in a file on a full disk is no statement.
func TestOutputThatCantBeWrittenFails(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"accounts"}, {"--help"}, {"open", "ada", "--owner", "Ada", "--currency", "EUR"}} {
		var errs strings.Builder
		status := Run(t.Context(), append(args, "--store", "memory:"), strings.NewReader(""), &fullDisk{}, &errs)
		if want := "bank: not all of the output could be written: disk full\n"; status != exitFailed || errs.String() != want {
			t.Errorf("%q: exit status %d, %q; want %d, %q", args, status, &errs, exitFailed, want)
		}
	}
}

type fullDisk struct{ full bool }

// Write fails once: the rest may well find room again.
func (d *fullDisk) Write(p []byte) (int, error) {
	if !d.full {
		d.full = true
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestVerifyNamesTheAccountAndFails(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "bank.db")
	var out, errs strings.Builder
	bankCmd := func(args ...string) int {
		return Run(t.Context(), append(args, "--store", name), strings.NewReader(""), &out, &errs)
	}
	if bankCmd("open", "ada", "--owner", "Ada", "--currency", "EUR") != exitDone || bankCmd("verify") != exitDone {
		t.Fatal(errs.String())
	}
	store, err := bank.OpenStore(t.Context(), name, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Append(t.Context(), es.Write{Stream: es.Stream{Category: "account", ID: "ada"}, Expect: es.Exactly(1), Events: []es.Event{
		{ID: es.NewID(), Type: "account.frozen", Schema: 1, Data: []byte(`{}`)},
	}})
	if err = errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	if status := bankCmd("verify"); status != exitFailed {
		t.Errorf("exit status %d, want %d", status, exitFailed)
	}
	if strings.Count(errs.String(), "account-ada at version 2") != 1 {
		t.Errorf("it says the same twice:\n%s", &errs)
	}
	for _, want := range []string{"account-ada at version 2", `unknown event type "account.frozen"`, "bank: the books are wrong: 1 finding\n"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("it says\n%swant %q", &errs, want)
		}
	}
	if status := bankCmd("statement", "ada"); status != exitFailed {
		t.Errorf("a statement with an event that can't be read: exit status %d, want %d", status, exitFailed)
	}
}
