package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/internal/rows"
)

func (a *app) importFile() *cobra.Command {
	var format string
	var retry bool
	cmd := &cobra.Command{
		Use:   "import FILE [--format jsonl|csv] [--retry-refused]",
		Short: "Carry out the operations in a file, each once",
		Long: `Carry out the operations in a file, JSON Lines or CSV; - reads the standard input.

Each operation has an id and is carried out once: importing the file again, also after an import was
killed half-way, or twice at the same time, changes nothing more. What the bank's
rules refuse is remembered as refused under its id, and stays so until
--retry-refused. Rows that can't be read, and rows with an id that belongs to another operation,
are named and skipped; then the exit status is 3.

A row has these fields, in CSV as columns that the first line names. A line has at
most 65536 bytes, and no value goes over its end.

  id         the operation's: letters, digits and - _ : @ = +
  kind       open, deposit, withdraw, transfer or close
  account    its id; of a transfer the sender
  to         transfer: the receiver
  amount     deposit, withdraw, transfer: such as 12.34 EUR
  note       deposit, withdraw, transfer: what it is for (optional)
  owner      open: the owner's name
  currency   open: such as EUR
  overdraft  open: the limit, such as 50 EUR (optional)`,
		Example: `  bank import june.csv
  bank import june.csv --retry-refused
  echo '{"id":"row-1","kind":"deposit","account":"alice","amount":"5 EUR"}' | bank import - --format jsonl`,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := rows.ParseFormat(format, args[0])
			if err != nil {
				return &usageError{err}
			}
			in, size := a.in, 0
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer file.Close()
				if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
					size = int(info.Size())
				}
				in = file
			}
			return a.with(cmd.Context(), true, func(b *bank.Bank) error {
				return a.importRows(cmd.Context(), b, in, size, f, retry)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "jsonl or csv; by default as the file's `name` ends: .jsonl, .ndjson or .csv")
	cmd.Flags().BoolVar(&retry, "retry-refused", false, "try again what was refused before")
	return cmd
}

func (a *app) importRows(ctx context.Context, b *bank.Bank, in io.Reader, size int, format rows.Format, retry bool) error {
	read := &counter{in: in}
	bar := a.progress("importing", size, "bytes")
	var s summary
	err := b.Import(ctx, rows.Read(read, format), retry, func(i bank.Imported) {
		s.add(i)
		bar.set(int(read.n.Load()), max(size, int(read.n.Load())))
	})
	bar.done()
	s.print(a.out, retry)
	if err != nil {
		fmt.Fprintf(a.out, "\nThe import is not complete. Import the file again to go on: what is done stays done.\n")
		return err
	}
	if s.counts[bank.Unreadable]+s.counts[bank.OtherID] > 0 {
		return &exitError{exitUnreadable, fmt.Errorf("%s could not be imported: correct the lines named above and import the file again", count(s.counts[bank.Unreadable]+s.counts[bank.OtherID], "row"))}
	}
	return nil
}

// counter counts what is read.
type counter struct {
	in io.Reader
	n  atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// summary is what an import comes to.
type summary struct {
	counts [bank.OtherID + 1]int
	named  [bank.OtherID + 1][]bank.Imported // the first maxNamed of each fate but those that were applied
}

// maxNamed is how many rows of a fate are named. Files are of any length, memory is not.
const maxNamed = 1000

func (s *summary) add(i bank.Imported) {
	s.counts[i.Fate]++
	if i.Reason != "" && len(s.named[i.Fate]) < maxNamed {
		s.named[i.Fate] = append(s.named[i.Fate], i)
	}
}

func (s *summary) print(w io.Writer, retried bool) {
	for _, line := range []struct {
		fate  bank.Fate
		words string
	}{
		{bank.Applied, "applied"},
		{bank.AlreadyApplied, "already applied by an earlier import"},
		{bank.Refused, "refused"},
		{bank.RefusedEarlier, "refused by an earlier import, and left at that (--retry-refused tries again)"},
		{bank.OtherID, "with an id that belongs to another operation"},
		{bank.Unreadable, "unreadable"},
	} {
		n, named := s.counts[line.fate], s.named[line.fate]
		if n == 0 && line.fate != bank.Applied {
			continue
		}
		fmt.Fprintf(w, "%9s %s\n", thousands(n), line.words)
		slices.SortFunc(named, func(a, b bank.Imported) int { return cmp.Compare(a.Line, b.Line) })
		for _, i := range named {
			id := ""
			if i.ID != "" && line.fate != bank.OtherID { // its reason names the id
				id = i.ID + ": "
			}
			fmt.Fprintf(w, "%9s line %d: %s%s\n", "", i.Line, id, printable(i.Reason))
		}
		if more := n - len(named); more > 0 && len(named) > 0 {
			fmt.Fprintf(w, "%9s … and %s more\n", "", thousands(more))
		}
	}
}
