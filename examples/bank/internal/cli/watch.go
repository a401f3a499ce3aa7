package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/interbank"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/internal/readmodel"
	"github.com/esgen-go/esgen/examples/bank/money"
)

func (a *app) watch() *cobra.Command {
	var last int
	cmd := &cobra.Command{
		Use:   "watch [--last N]",
		Short: "Show what happens as it happens, and how far the read models are behind",
		Long: `Show what happens to accounts and transfers as it happens, from any process, and how far behind
bank work is, until it is interrupted. On a terminal it is a table that moves; else each is a
line, and the lag is told on the error stream when it changes.`,
		Example: `  bank watch
  bank watch --last 100 | grep alice`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if last < 1 || last > 10_000 {
				return misused("--last %d: 1 to 10,000 are taken", last)
			}
			return a.withStore(cmd.Context(), func(store bank.Store) error {
				balances, err := readmodel.NewBalances(store, 1)
				if err != nil {
					return err
				}
				audit, err := readmodel.NewAudit(store)
				if err != nil {
					return err
				}
				lags := func(ctx context.Context) ([]readmodel.Lag, error) {
					return readmodel.Lags(ctx, store, bank.InterbankName, balances, audit)
				}
				var screen screen = &lines{app: a}
				if file, ok := a.out.Writer.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
					t := &live{file: file, last: last}
					defer t.leave()
					screen = t
				}
				ctx := cmd.Context()
				err = bank.New(store, nil).Tail(ctx, last, func(h bank.Happening) error { return screen.happened(h) }, time.Second, func() error {
					all, err := lags(ctx)
					if err != nil {
						return err
					}
					return screen.show(all)
				})
				if ctx.Err() != nil {
					return nil // an interrupt is how it ends
				}
				return err
			})
		},
	}
	cmd.Flags().IntVar(&last, "last", 20, "begin with about the last `n`")
	return cmd
}

// screen is where what happens is shown.
type screen interface {
	happened(h bank.Happening) error
	show(lags []readmodel.Lag) error
}

// describe is a happening as the cells of a row.
func describe(h bank.Happening) (at, stream, version, what string, err error) {
	switch e := h.Event.(type) {
	case account.AccountEvent:
		var minor int64
		if what, minor, err = readmodel.Describe(e); err != nil {
			return "", "", "", "", err
		}
		if moved := money.New(minor, h.Currency).String(); minor > 0 {
			what = "+" + moved + " " + what
		} else if minor < 0 {
			what = moved + " " + what
		}
	case interbank.TransferRequested:
		what = fmt.Sprintf("requested: %s from %s to %s", e.Amount, e.Account, e.To)
	case interbank.TransferRefused:
		what = because("refused", e.Reason)
	case interbank.TransferRejected:
		what = because("rejected", e.Reason)
	case interbank.TransferStuck:
		what = because("stuck", e.Reason)
	default:
		what = strings.ReplaceAll(strings.TrimPrefix(h.Stored.Type, "transfer."), "_", " ")
	}
	return h.Stored.RecordedAt.Format("15:04:05.000"), h.Stored.Stream.String(), fmt.Sprint(h.Stored.Version), printable(what), nil
}

func because(what, reason string) string {
	if reason == "" {
		return what
	}
	return what + ": " + reason
}

// lines prints a line for each, and the lag when it has changed, at most every two seconds.
type lines struct {
	app  *app
	lag  string
	next time.Time
}

func (l *lines) happened(h bank.Happening) error {
	at, stream, version, what, err := describe(h)
	if err == nil {
		_, err = fmt.Fprintf(l.app.out, "%s  %s  %s  %s\n", at, stream, version, what)
	}
	return err
}

func (l *lines) show(lags []readmodel.Lag) error {
	var words []string
	for _, lag := range lags {
		words = append(words, lag.String())
	}
	if text := strings.Join(words, "; "); text != l.lag && time.Now().After(l.next) {
		l.lag, l.next = text, time.Now().Add(linesEvery)
		fmt.Fprintln(l.app.errs, text)
	}
	return nil
}

// live is a table on a terminal, on a screen of its own that goes when it ends.
type live struct {
	file  *os.File
	last  int
	on    bool
	rows  [][4]string
	count int // of what happened since it began
	began time.Time
	drawn time.Time
}

const frame = 50 * time.Millisecond // the least time between two drawings

func (l *live) happened(h bank.Happening) error {
	at, stream, version, what, err := describe(h)
	if err != nil {
		return err
	}
	l.rows = append(l.rows, [4]string{at, stream, version, what})
	if extra := len(l.rows) - l.last; extra > 0 {
		l.rows = append(l.rows[:0], l.rows[extra:]...)
	}
	if l.on {
		l.count++
	}
	return nil
}

func (l *live) show(lags []readmodel.Lag) error {
	if !l.on {
		l.on, l.began = true, time.Now()
		fmt.Fprint(l.file, "\x1b[?1049h\x1b[?25l")
	} else if wait := frame - time.Since(l.drawn); wait > 0 {
		time.Sleep(wait)
	}
	l.drawn = time.Now()
	width, height, err := term.GetSize(int(l.file.Fd()))
	if err != nil || width < 1 || height < 1 {
		width, height = 80, 24
	}
	var b bytes.Buffer
	b.WriteString("\x1b[H")
	for i, line := range l.draw(lags, height) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(terminal.Truncate(line, width, "…"))
		b.WriteString("\x1b[K")
	}
	b.WriteString("\x1b[J")
	_, err = l.file.Write(b.Bytes())
	return err
}

// draw makes the lines of a screen: the lag, and below it the newest, the last one lowest.
func (l *live) draw(lags []readmodel.Lag, height int) []string {
	out := []string{fmt.Sprintf("%s since %s, %s a second. Ctrl-C ends.", count(l.count, "event"), l.began.Format("15:04:05"),
		perSecond(l.count, time.Since(l.began)))}
	for _, lag := range lags {
		out = append(out, "  "+lag.String())
	}
	out = append(out, "")
	t := newTable("TIME", "STREAM", ">VERSION", "WHAT")
	rows := l.rows[max(0, len(l.rows)-max(0, height-len(out)-1)):]
	for _, r := range rows {
		t.add(r[0], r[1], r[2], r[3])
	}
	var text bytes.Buffer
	t.print(&text)
	for line := range strings.Lines(text.String()) {
		out = append(out, strings.TrimRight(line, "\n"))
	}
	return out[:min(len(out), height)]
}

// leave gives the terminal back, with the last of what was shown.
func (l *live) leave() {
	if !l.on {
		return
	}
	fmt.Fprint(l.file, "\x1b[?25h\x1b[?1049l")
	for _, line := range l.draw(nil, len(l.rows)+10) {
		fmt.Fprintln(l.file, line)
	}
}
