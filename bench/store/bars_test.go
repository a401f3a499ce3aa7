package store

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// byHand is the name of what is written without a library, which is no peer.
const byHand = "pgx"

// sample is one turn of a library at a work.
type sample struct {
	engine  string
	work    work
	library string
	wall    time.Duration
	client  time.Duration // processor time of this process
	server  time.Duration // and of the server's
}

// samples are what the benchmarks have measured, in order.
type samples []sample

var measured samples

func (all *samples) add(s sample) { *all = append(*all, s) }

// bar is a ratio that is to be reached.
type bar struct {
	engine  string
	work    string
	against opponent
	figure  figure
	ratio   float64
}

// opponent is whom a bar is against: the fastest of them.
type opponent func(library string) bool

func hand(library string) bool  { return library == byHand }
func peer(library string) bool  { return library != "esgen" && library != byHand && !tuned(library) }
func tuned(library string) bool { return strings.HasSuffix(library, tunedSuffix) }

type figure string

const (
	speed figure = "speed" // at least
	cpu   figure = "CPU"   // at most
)

// bars are those of the design. Where it has no other, no peer may be faster.
var bars = []bar{
	{"Postgres", "work=save-1/writers=1", peer, speed, 1.6},
	{"Postgres", "work=save-1/writers=1", peer, cpu, 0.55},
	{"Postgres", "work=save-1/writers=1", hand, speed, 0.9},
	{"Postgres", "work=save-1/writers=16", peer, speed, 1},
	{"Postgres", "work=save-1/writers=16", hand, speed, 1.1},
	{"Postgres", "work=save-1/writers=64", peer, speed, 1},
	{"Postgres", "work=save-1/writers=64", hand, speed, 2.2},
	{"Postgres", "work=save-5/writers=1", peer, speed, 1.8},
	{"Postgres", "work=save-100/writers=1", peer, speed, 1},
	{"Postgres", "work=save-100/writers=1", hand, speed, 1 / 1.15},
	{"Postgres", "work=load-1000/writers=1", peer, speed, 1.5},
	{"SQLite", "work=save-1/writers=1", peer, speed, 2},
	{"SQLite", "work=save-1/writers=1", tuned, speed, 2},
	{"SQLite", "work=save-1/writers=16", peer, speed, 2},
	{"SQLite", "work=save-1/writers=16", tuned, speed, 2},
	{"SQLite", "work=save-5/writers=1", peer, speed, 1},
	{"SQLite", "work=save-5/writers=1", tuned, speed, 1},
	{"SQLite", "work=save-100/writers=1", peer, speed, 1},
	{"SQLite", "work=save-100/writers=1", tuned, speed, 1},
	{"SQLite", "work=load-1000/writers=1", peer, speed, 2},
	{"SQLite", "work=load-1000/writers=1", tuned, speed, 2},
}

// print writes the samples for benchstat (-col /lib compares the libraries), then two tables: the medians, and
// the bars.
func (all samples) print(w io.Writer) {
	if len(all) == 0 {
		return
	}
	for _, s := range all {
		fmt.Fprintf(w, "Benchmark%s/%s/lib=%s-%d\t%d\t%d ns/op\t%d cpu-ns/op\n",
			s.engine, s.work, s.library, runtime.GOMAXPROCS(0), s.work.times, int(s.perWall()), int(s.perCPU()))
	}
	fmt.Fprint(w, "\n| store | work | writers | library | operations/s | CPU of an operation: client | server | speed of esgen to it | CPU of esgen to it |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, key := range all.keys() {
		fmt.Fprintf(w, "| %s | %s | %d | %s | %.0f | %.0f µs | %.0f µs | %.2f | %.2f |\n", key.engine, key.work.name, key.work.writers, key.library,
			1e9/median(all.of(key, sample.perWall)), mean(all.of(key, sample.perClient))/1e3, mean(all.of(key, sample.perServer))/1e3, all.speed(key), all.cpu(key))
	}
	fmt.Fprint(w, "\n| store | work | writers | against | bar | measured | |\n|---|---|---|---|---|---|---|\n")
	for _, b := range bars {
		b.print(w, all)
	}
}

func (b bar) print(w io.Writer, all samples) {
	for _, key := range all.keys() { // the fastest first
		if b.engine != key.engine || b.work != key.work.String() || !b.against(key.library) {
			continue
		}
		sign, ratio := "≥", all.speed(key)
		reached := ratio >= b.ratio
		if b.figure == cpu {
			sign, ratio = "≤", all.cpu(key)
			reached = ratio <= b.ratio
		}
		verdict := "PASS"
		if !reached {
			verdict = "behind"
		}
		fmt.Fprintf(w, "| %s | %s | %d | %s | %s %s %.2f | %.2f | %s |\n", b.engine, key.work.name, key.work.writers, key.library, b.figure, sign, b.ratio, ratio, verdict)
		return
	}
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

func (s sample) perWall() float64   { return float64(s.wall) / float64(s.work.times) }
func (s sample) perClient() float64 { return float64(s.client) / float64(s.work.times) }
func (s sample) perServer() float64 { return float64(s.server) / float64(s.work.times) }
func (s sample) perCPU() float64    { return s.perClient() + s.perServer() }

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

// speed is how many times as fast as key esgen was at its work: the median of the ratios of turns that
// followed each other.
func (all samples) speed(key sample) float64 {
	theirs := all.of(key, sample.perWall)
	key.library = "esgen"
	ratios := all.of(key, sample.perWall)
	for i := range ratios {
		ratios[i] = theirs[i] / ratios[i]
	}
	return median(ratios)
}

// cpu is how much of key's processor time esgen took for its work, in all turns together: the server's is counted in
// hundredths of a second.
func (all samples) cpu(key sample) float64 {
	theirs := mean(all.of(key, sample.perCPU))
	key.library = "esgen"
	return mean(all.of(key, sample.perCPU)) / theirs
}

func mean(figures []float64) float64 {
	sum := 0.0
	for _, f := range figures {
		sum += f
	}
	return sum / float64(len(figures))
}

func median(figures []float64) float64 {
	slices.Sort(figures)
	return figures[len(figures)/2]
}
