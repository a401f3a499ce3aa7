package postgres_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
)

// The variables that make this test binary a process of [BenchmarkAppendFromProcesses].
const (
	benchURL    = "ESGEN_BENCH_URL"
	benchSchema = "ESGEN_BENCH_SCHEMA"
	benchTable  = "ESGEN_BENCH_TABLE"
)

// benchWriters is how many goroutines append in each process.
const benchWriters = 8

func BenchmarkAppendFromProcesses(b *testing.B) {
	for _, count := range []int{2, 8} {
		b.Run(fmt.Sprintf("processes=%d", count), func(b *testing.B) {
			x := newBench(b)
			processes := make([]*benchProcess, count)
			for i := range processes {
				processes[i] = startBench(b, x)
			}
			var contenders []contender
			for _, name := range []string{"esgen", "insert", "tx"} {
				contenders = append(contenders, contender{name, func(n int) {
					for i, p := range processes {
						p.begin(b, name, (n+i)/count)
					}
					for _, p := range processes {
						p.await(b)
					}
				}})
			}
			compareBy(b, func() time.Duration {
				used := usedCPU(x.server)
				for _, p := range processes {
					used += p.cpu
				}
				return used
			}, contenders...)
		})
	}
}

// benchProcess is a process that appends, as its parent sees it.
type benchProcess struct {
	in  io.WriteCloser
	out *bufio.Reader
	cpu time.Duration // that it has used
}

func startBench(b *testing.B, x *bench) *benchProcess {
	b.Helper()
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), benchURL+"="+x.server.URL(), benchSchema+"="+x.schema, benchTable+"="+x.table)
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close() // ends it
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	return &benchProcess{in: in, out: bufio.NewReader(out)}
}

func (p *benchProcess) begin(b *testing.B, contender string, appends int) {
	if _, err := fmt.Fprintln(p.in, contender, appends); err != nil {
		b.Fatal(err)
	}
}

func (p *benchProcess) await(b *testing.B) {
	if _, err := fmt.Fscanln(p.out, &p.cpu); err != nil {
		b.Fatalf("waiting for a process that appends: %v", err)
	}
}

// runBenchProcess makes the appends that it is told to on its standard input, and answers each time with
// the processor time that it has used.
func runBenchProcess() error {
	x, err := openBench(os.Getenv(benchURL), os.Getenv(benchSchema), os.Getenv(benchTable))
	if err != nil {
		return err
	}
	defer x.close()
	ways := map[string]func(es.Stream, es.Version, es.Event) error{"esgen": x.append, "insert": x.oneStatement, "tx": x.transaction}
	in := bufio.NewReader(os.Stdin)
	for {
		var name string
		var n int
		if _, err := fmt.Fscanln(in, &name, &n); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var failed failures
		writers(&failed, benchWriters, n, ways[name])
		var used syscall.Rusage
		if err := errors.Join(failed.error, syscall.Getrusage(syscall.RUSAGE_SELF, &used)); err != nil {
			return err
		}
		fmt.Println(used.Utime.Nano() + used.Stime.Nano())
	}
}

// failures keeps the first failure of writers.
type failures struct {
	mu    sync.Mutex
	error error
}

func (f *failures) Error(args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.error == nil {
		f.error = fmt.Errorf("appending: %s", fmt.Sprint(args...))
	}
}
