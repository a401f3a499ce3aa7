package process_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/process"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/es/subscription"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// childVar makes the test binary a process manager over the store that it names.
const childVar = "ESGEN_PROCESS_CHILD"

func openAt(ctx context.Context, at string) (store, error) {
	if schema, url, ok := strings.Cut(at, " "); ok {
		return postgres.Open(ctx, url, postgres.Schema(schema))
	}
	return sqlite.Open(ctx, at)
}

func child(at string) {
	s, err := openAt(context.Background(), at)
	if err == nil {
		var m *process.Manager
		if m, err = process.New(s, waiting(s, 200*time.Millisecond), subscription.Lease(500*time.Millisecond)); err == nil {
			err = m.Run(context.Background())
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Processes are killed at any moment: before a reaction, between a command and its record, while
// deadlines wait, while they are due.
func TestADeadlineSurvivesKillsAndIsDueOnce(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func() string{
		"sqlite":   func() string { return filepath.Join(t.TempDir(), "store.db") },
		"postgres": func() string { return pgtest.Name(t) + " " + pgtest.Shared(t).URL() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := at()
			s, err := openAt(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			start := func() *exec.Cmd {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), childVar+"="+at)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = cmd.Process.Kill() })
				return cmd
			}
			const rounds, each = 3, 8
			for round := range rounds {
				cmd := start()
				for n := range each {
					add(t, s, order(round*each+n), "order.placed")
				}
				await(t, "it is at work", func() bool { return len(kinds(t, s, task(fmt.Sprint(round*each)))) > 0 })
				time.Sleep(time.Duration(round) * 150 * time.Millisecond) // before, while and after it is due
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait()
			}
			start()
			want := []string{"task.begun", "task.late"}
			for n := range rounds * each {
				var got []string
				await(t, "every deadline was kept", func() bool {
					got = kinds(t, s, task(fmt.Sprint(n)))
					return len(got) >= len(want)
				})
				if !slices.Equal(got, want) {
					t.Fatalf("task %d has %v, want %v", n, got, want)
				}
			}
			await(t, "no timer is left", func() bool {
				all, err := s.Timers(t.Context(), "orders", 0)
				return err == nil && len(all) == 0
			})
			for n := range rounds * each {
				if got := kinds(t, s, task(fmt.Sprint(n))); !slices.Equal(got, want) {
					t.Fatalf("in the end task %d has %v, want %v", n, got, want)
				}
			}
		})
	}
}
