package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// BenchmarkBesideStringer measures whole warm runs of esgen beside runs of stringer on the
// same package: once as it is, and once with another file that imports something large. It reports
// medians, their ratio and the largest resident set.
func BenchmarkBesideStringer(b *testing.B) {
	bin := b.TempDir()
	for name, pkg := range map[string]string{"esgen": ".", "stringer": "golang.org/x/tools/cmd/stringer"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, name), pkg).CombinedOutput(); err != nil {
			b.Fatalf("building %s: %v\n%s", name, err, out)
		}
	}
	archive, err := txtar.ParseFile(filepath.Join("testdata", "bench.txtar"))
	if err != nil {
		b.Fatal(err)
	}
	for _, large := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "large-import"}[large], func(b *testing.B) {
			dir := b.TempDir()
			files := archive.Files
			if !large {
				files = slices.DeleteFunc(slices.Clone(files), func(f txtar.File) bool { return f.Name == "large.go" })
			}
			writeModule(b, dir, files...)
			var esgen, stringer []time.Duration
			var rss int64
			for b.Loop() {
				// In turns, so that both meet the same noise.
				took, mem := run(b, dir, filepath.Join(bin, "esgen"))
				esgen, rss = append(esgen, took), max(rss, mem)
				took, _ = run(b, dir, filepath.Join(bin, "stringer"), "-type=Kind", "-output="+os.DevNull)
				stringer = append(stringer, took)
			}
			e, s := median(esgen), median(stringer)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(e.Milliseconds()), "esgen-ms")
			b.ReportMetric(float64(s.Milliseconds()), "stringer-ms")
			b.ReportMetric(float64(e)/float64(s), "ratio")
			b.ReportMetric(float64(rss)/1024, "esgen-max-RSS-MiB")
		})
	}
}

// run runs a command and returns the wall time and the largest resident set in KiB, of it or
// of a go command that it runs.
func run(b *testing.B, dir, name string, args ...string) (time.Duration, int64) {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", name, err, out)
	}
	took := time.Since(start)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return took, 0
	}
	return took, usage.Maxrss
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
