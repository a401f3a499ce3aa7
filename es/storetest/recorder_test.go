package storetest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// recorder is a test that keeps its failures to itself.
type recorder struct {
	testing.TB
	mu      sync.Mutex
	failed  bool
	skipped bool
	log     strings.Builder
}

// verdict runs one clause and tells how it ended, and with which words.
func verdict(t testing.TB, c Clause, h Harness) (failed, skipped bool, log string) {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // a goroutine of its own, which FailNow may end
		defer close(done)
		c.Check(r, h)
	}()
	<-done
	return r.failed, r.skipped, r.log.String()
}

func (r *recorder) note(failed bool, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = r.failed || failed
	r.log.WriteString(text)
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Log(args ...any)                 { r.note(false, fmt.Sprintln(args...)) }
func (r *recorder) Logf(format string, args ...any) { r.note(false, fmt.Sprintf(format+"\n", args...)) }
func (r *recorder) Error(args ...any)               { r.note(true, fmt.Sprintln(args...)) }
func (r *recorder) Errorf(format string, args ...any) {
	r.note(true, fmt.Sprintf(format+"\n", args...))
}
func (r *recorder) Fatal(args ...any)                 { r.Error(args...); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }
func (r *recorder) Fail()                             { r.note(true, "") }
func (r *recorder) FailNow()                          { r.Fail(); runtime.Goexit() }
func (r *recorder) Helper()                           {}

func (r *recorder) Skip(args ...any) {
	r.Log(args...)
	r.skipped = true
	runtime.Goexit()
}
