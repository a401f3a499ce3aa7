package store

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// byHand is the name of what is written without a library, which is no peer.
const byHand = "pgx"

// sample is one turn of a library at a work.
type sample struct {
	engine  string
	work    work
	library string
	times   int
	wall    time.Duration
	cpu     time.Duration // of this process and of the server
}

// samples are what the benchmarks have measured, in order.
type samples []sample

var measured samples

func (all *samples) add(s sample) { *all = append(*all, s) }

// bar is a ratio that is to be reached.
type bar struct {
	engine  string
	work    string
	against string // a library, or "" for the fastest peer
	cpu     bool   // processor time, at most; otherwise speed, at least
	ratio   float64
}

// bars are those of the design.
var bars = []bar{
	{"Postgres", "work=save-1/writers=1", "", false, 1.6},
	{"Postgres", "work=save-1/writers=1", "", true, 0.55},
	{"Postgres", "work=save-1/writers=1", byHand, false, 0.9},
	{"Postgres", "work=save-1/writers=16", "", false, 1},
	{"Postgres", "work=save-1/writers=16", byHand, false, 1.1},
	{"Postgres", "work=save-1/writers=64", "", false, 1},
	{"Postgres", "work=save-1/writers=64", byHand, false, 2.2},
	{"Postgres", "work=save-5/writers=1", "", false, 1.8},
	{"Postgres", "work=save-100/writers=1", "", false, 1},
	{"Postgres", "work=save-100/writers=1", byHand, false, 1 / 1.15},
	{"Postgres", "work=load-1000/writers=1", "", false, 1.5},
	{"SQLite", "work=save-1/writers=1", "", false, 2},
	{"SQLite", "work=save-1/writers=16", "", false, 2},
	{"SQLite", "work=save-5/writers=1", "", false, 2},
	{"SQLite", "work=save-100/writers=1", "", false, 2},
	{"SQLite", "work=load-1000/writers=1", "", false, 2},
}

// print writes the samples for benchstat (-col /lib compares the libraries), then two tables: the medians, and
// the bars.
func (all samples) print(w io.Writer) {
	if len(all) == 0 {
		return
	}
	for _, s := range all {
		fmt.Fprintf(w, "Benchmark%s/%s/lib=%s-%d\t%d\t%d ns/op\t%d cpu-ns/op\n",
			s.engine, s.work, s.library, runtime.GOMAXPROCS(0), s.times, int(s.wall)/s.times, int(s.cpu)/s.times)
	}
	fmt.Fprint(w, "\n| store | work | writers | library | operations/s | CPU of an operation | speed of esgen to it | CPU of esgen to it |\n|---|---|---|---|---|---|---|---|\n")
	for _, key := range all.keys() {
		fmt.Fprintf(w, "| %s | %s | %d | %s | %.0f | %.0f µs | %.2f | %.2f |\n", key.engine, key.work.name, key.work.writers, key.library,
			1e9/median(all.of(key, sample.perWall)), median(all.of(key, sample.perCPU))/1e3, all.speed(key), all.cpu(key))
	}
	fmt.Fprint(w, "\n| store | work | writers | against | bar | measured | |\n|---|---|---|---|---|---|---|\n")
	for _, b := range bars {
		b.print(w, all)
	}
}

func (b bar) print(w io.Writer, all samples) {
	var peers []sample
	for _, key := range all.keys() {
		wanted := b.against == key.library || b.against == "" && key.library != byHand && key.library != "esgen"
		if b.engine == key.engine && b.work == key.work.String() && wanted {
			peers = append(peers, key)
		}
	}
	if len(peers) == 0 {
		return // this benchmark was not run
	}
	best := slices.MinFunc(peers, func(x, y sample) int {
		return cmp.Compare(median(all.of(x, sample.perWall)), median(all.of(y, sample.perWall)))
	})
	what, sign, ratio := "speed", "≥", all.speed(best)
	reached := ratio >= b.ratio
	if b.cpu {
		what, sign, ratio = "CPU", "≤", all.cpu(best)
		reached = ratio <= b.ratio
	}
	verdict := "PASS"
	if !reached {
		verdict = "behind"
	}
	fmt.Fprintf(w, "| %s | %s | %d | %s | %s %s %.2f | %.2f | %s |\n", b.engine, best.work.name, best.work.writers, best.library, what, sign, b.ratio, ratio, verdict)
}

// same: both are turns of one library at one work.
func (s sample) same(t sample) bool {
	return s.engine == t.engine && s.work == t.work && s.library == t.library
}

// keys returns a sample of each library at each work: the works as they were done, the fastest library first.
func (all samples) keys() []sample {
	var keys, works []sample
	for _, s := range all {
		if !slices.ContainsFunc(keys, s.same) {
			keys = append(keys, s)
		}
		if !slices.ContainsFunc(works, s.sameWork) {
			works = append(works, s)
		}
	}
	slices.SortFunc(keys, func(s, t sample) int {
		return cmp.Or(
			cmp.Compare(slices.IndexFunc(works, s.sameWork), slices.IndexFunc(works, t.sameWork)),
			cmp.Compare(median(all.of(s, sample.perWall)), median(all.of(t, sample.perWall))),
		)
	})
	return keys
}

func (s sample) sameWork(t sample) bool { return s.engine == t.engine && s.work == t.work }

func (s sample) perWall() float64 { return float64(s.wall) / float64(s.times) }
func (s sample) perCPU() float64  { return float64(s.cpu) / float64(s.times) }

// of returns a figure of every turn like key, in order.
func (all samples) of(key sample, figure func(sample) float64) []float64 {
	var figures []float64
	for _, s := range all {
		if s.same(key) {
			figures = append(figures, figure(s))
		}
	}
	return figures
}

// speed is how many times as fast as key esgen was at its work, cpu how much of its processor time it took:
// medians of the ratios of turns that followed each other.
func (all samples) speed(key sample) float64 { return all.ratio(key, sample.perWall, false) }
func (all samples) cpu(key sample) float64   { return all.ratio(key, sample.perCPU, true) }

func (all samples) ratio(key sample, figure func(sample) float64, invert bool) float64 {
	theirs := all.of(key, figure)
	key.library = "esgen"
	ratios := all.of(key, figure)
	for i := range ratios {
		ratios[i] = theirs[i] / ratios[i]
		if invert {
			ratios[i] = 1 / ratios[i]
		}
	}
	return median(ratios)
}

func median(figures []float64) float64 {
	slices.Sort(figures)
	return figures[len(figures)/2]
}
