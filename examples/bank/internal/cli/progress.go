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
	out  io.Writer
	name string
	unit string

	bars *mpb.Progress // nil without a terminal
	bar  *mpb.Bar
	next atomic.Int64 // when the next line is due, in Unix nanoseconds
}

// linesEvery is how often a line tells the progress where there is no terminal.
const linesEvery = 2 * time.Second

// progress starts to show it, on the error stream. Total 0 means that it is not known yet.
func (a *app) progress(name string, total int, unit string) *progress {
	p := &progress{out: a.errs, name: name, unit: unit}
	p.next.Store(time.Now().Add(linesEvery).UnixNano())
	file, ok := a.errs.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return p
	}
	p.bars = mpb.New(mpb.WithOutput(file), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))
	p.bar = p.bars.New(int64(total), mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]"),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(name+" ")),
		mpb.AppendDecorators(
			decor.Any(func(s decor.Statistics) string {
				return fmt.Sprintf("%s of %s %s ", thousands(int(s.Current)), thousands(int(s.Total)), unit)
			}),
			decor.AverageSpeed(0, "%.0f/s "),
			decor.AverageETA(decor.ET_STYLE_GO),
		))
	return p
}

// set tells how much is done, of how much.
func (p *progress) set(done, total int) {
	if p.bar != nil {
		p.bar.SetTotal(int64(total), false)
		p.bar.SetCurrent(int64(done))
		return
	}
	now, due := time.Now(), p.next.Load()
	if now.UnixNano() >= due && p.next.CompareAndSwap(due, now.Add(linesEvery).UnixNano()) {
		fmt.Fprintf(p.out, "%s: %s of %s %s\n", p.name, thousands(done), thousands(total), p.unit)
	}
}

// done takes the bar away.
func (p *progress) done() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
}
