package cli

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progress shows how far something has come: a bar on a terminal, else a line now and then. It may be
// set by several goroutines.
type progress struct {
	out   io.Writer
	name  string
	unit  string // of what is counted, in the plural
	began time.Time
	count atomic.Int64

	bars *mpb.Progress // nil without a terminal that has a size
	bar  *mpb.Bar
	next atomic.Int64 // when the next line is due, in Unix nanoseconds
}

// linesEvery is how often a line tells the progress where there is no terminal.
const linesEvery = 2 * time.Second

// progress begins to show it, on the error stream.
func (a *app) progress(name, unit string) *progress {
	p := &progress{out: a.errs, name: name, unit: unit, began: time.Now()}
	p.next.Store(p.began.Add(linesEvery).UnixNano())
	file, ok := a.errs.(*os.File)
	if !ok {
		return p
	}
	// A terminal that does not tell its size has no room for a bar.
	if width, _, err := term.GetSize(int(file.Fd())); err != nil || width == 0 {
		return p
	}
	p.bars = mpb.New(mpb.WithOutput(file), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))
	p.bar = p.bars.New(0, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]"),
		mpb.PrependDecorators(decor.Name(name), decor.Percentage(decor.WC{W: 6})),
		mpb.AppendDecorators(
			decor.AverageETA(decor.ET_STYLE_GO),
			decor.Any(func(decor.Statistics) string { return " left, " + p.counted() }),
		))
	return p
}

// set tells how much was counted, and which part of all it is.
func (p *progress) set(count int, part, all int64) {
	p.count.Store(int64(count))
	if p.bar != nil {
		p.bar.SetTotal(all, false)
		p.bar.SetCurrent(part)
		return
	}
	now, due := time.Now(), p.next.Load()
	if now.UnixNano() >= due && p.next.CompareAndSwap(due, now.Add(linesEvery).UnixNano()) {
		percent := ""
		if all > 0 {
			percent = fmt.Sprintf("%d %%, ", 100*part/all)
		}
		fmt.Fprintf(p.out, "%s: %s%s\n", p.name, percent, p.counted())
	}
}

func (p *progress) counted() string {
	n := p.count.Load()
	return fmt.Sprintf("%s %s, %s a second", thousands(int(n)), p.unit, perSecond(int(n), time.Since(p.began)))
}

func perSecond(n int, elapsed time.Duration) string {
	return thousands(int(float64(n) / max(elapsed.Seconds(), 1e-6)))
}

// done takes the bar away.
func (p *progress) done() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
}
