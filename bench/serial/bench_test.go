//go:build unix

package serial

import (
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"testing"
	"time"
)

// The heap is of a size that servers have: with a small one the collector runs all the
// time, which flatters whoever is slow anyway.
var ballast []byte

func TestMain(m *testing.M) {
	ballast = make([]byte, 64<<20)
	debug.SetGCPercent(100)
	code := m.Run()
	ballast[0] = 1
	os.Exit(code)
}

// BenchmarkSerializers reports, beside the time on the clock, that of the processor, the collector's part
// included: on a busy machine it is the steadier one.
func BenchmarkSerializers(b *testing.B) {
	all := events()
	for _, size := range []string{"small", "medium", "large"} {
		for _, op := range []string{"fresh", "append", "decode"} {
			for _, lib := range all[size] {
				b.Run(fmt.Sprintf("event=%s/op=%s/lib=%s", size, op, lib.name), func(b *testing.B) { run(b, lib, op) })
			}
		}
	}
}

func run(b *testing.B, lib library, op string) {
	text, err := lib.fresh()
	if err != nil {
		b.Fatal(err)
	}
	buffer := make([]byte, 0, 2*len(text))
	work := map[string]func() error{
		"fresh":  func() (err error) { sink, err = lib.fresh(); return err },
		"append": func() (err error) { sink, err = lib.append(buffer); return err },
		"decode": func() (err error) { eventSink, err = lib.decode(text); return err },
	}[op]
	if err := work(); err != nil { // some compile at the first call
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	before := cpuTime()
	for b.Loop() {
		if err := work(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

// The results go where the compiler can't see that nobody needs them.
var (
	sink      []byte
	eventSink any
)

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
