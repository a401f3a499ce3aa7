package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/esgen-go/esgen/cmd/esgen/internal/cache"
)

// BenchmarkManyPackages measures esgen over a module of 50 domain packages with 1,000 events, beside a
// go list -export of the same, warm: where nothing has changed; where one package has; where nothing is
// remembered; and from nothing. Last, go generate over all packages with a go tool that is built already. It
// reports medians of wall time, and of CPU time with that of the go commands that esgen runs.
func BenchmarkManyPackages(b *testing.B) {
	bin := filepath.Join(b.TempDir(), "esgen")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	dir := b.TempDir()
	synthetic(b, dir, 50, 20)
	b.Setenv(cache.Variable, b.TempDir())
	command := func(name string, args ...string) func() {
		return func() { runCommand(b, dir, name, args...) }
	}
	esgen := command(bin, "./...")
	esgen()
	esgen() // now all is remembered
	command("go", "mod", "edit", "-tool=github.com/esgen-go/esgen/cmd/esgen")()
	command("go", "mod", "tidy")()
	list := command("go", "list", "-export", "./...")
	list()
	esgen()

	edited := filepath.Join(dir, "domain07", "domain07.go")
	source, err := os.ReadFile(edited)
	if err != nil {
		b.Fatal(err)
	}
	remove := func() {
		for _, name := range []string{"es_gen.go", "es_gen_test.go", "esgen.lock"} {
			found, err := filepath.Glob(filepath.Join(dir, "domain*", name))
			if err != nil || len(found) == 0 {
				b.Fatalf("%s: %d, %v", name, len(found), err)
			}
			for _, f := range found {
				if err := os.RemoveAll(f); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	edits := 0
	for _, c := range []struct {
		name    string
		prepare func()
		run     func()
	}{
		{"nothing-changed", func() {}, esgen},
		{"one-changed", func() {
			edits++
			writeFile(b, edited, fmt.Appendf(nil, "%s\n// Edit %d.\n", source, edits))
		}, esgen},
		{"nothing-remembered", func() { b.Setenv(cache.Variable, "off") }, esgen},
		{"from-nothing", remove, esgen},
		{"go-generate", func() { b.Setenv(cache.Variable, filepath.Join(dir, ".cache")) }, command("go", "generate", "./...")},
	} {
		b.Run(c.name, func(b *testing.B) {
			var listed, ran []spent
			for b.Loop() {
				// In turns, so that both meet the same noise.
				c.prepare()
				ran = append(ran, measure(c.run))
				list() // which compiles what was changed
				listed = append(listed, measure(list))
			}
			wall := func(s spent) time.Duration { return s.wall }
			cpu := func(s spent) time.Duration { return s.cpu }
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(medianOf(ran, wall).Milliseconds()), "ms")
			b.ReportMetric(float64(medianOf(listed, wall).Milliseconds()), "go-list-ms")
			b.ReportMetric(float64(medianOf(ran, wall))/float64(medianOf(listed, wall)), "wall-ratio")
			b.ReportMetric(float64(medianOf(ran, cpu))/float64(medianOf(listed, cpu)), "CPU-ratio")
		})
	}
}

func runCommand(b *testing.B, dir, name string, args ...string) {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s %s: %v\n%s", name, args, err, out)
	}
}

// spent is what a command took; cpu is of all processes that it ran.
type spent struct{ wall, cpu time.Duration }

func measure(run func()) spent {
	start, before := time.Now(), childrenCPU()
	run()
	return spent{time.Since(start), childrenCPU() - before}
}

func childrenCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func medianOf(all []spent, of func(spent) time.Duration) time.Duration {
	var d []time.Duration
	for _, s := range all {
		d = append(d, of(s))
	}
	slices.Sort(d)
	return d[len(d)/2]
}
