package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

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

Each operation has an id and is carried out once: importing the file again, also after
an import was killed half-way, or twice at the same time, changes nothing more, and
neither does a row that comes twice in a file. What the bank's rules refuse is remembered
as refused under its id, and stays so until --retry-refused; that is an outcome like
others, with exit status 0. So is a file without rows: nothing is imported. Rows that
can't be read, and rows with an id that belongs to another operation, are named and
skipped; then the exit status is 3. A CSV file whose first line does not name the
columns can't be imported at all, and one with a quote that stays open for more than a
MiB not from there on: exit status 1.

A row has these fields, in CSV as columns that the first line names. A line has at
most 65536 bytes. A row whose quoted value goes over the line's end can't be read; the
lines that the value goes over belong to it, and are not carried out as rows.

  id         the operation's: ASCII letters, digits and - _ : @ = +
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
			in, size := a.in, int64(0)
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer file.Close()
				if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
					size = info.Size()
				}
				in = file
			}
			return a.with(cmd.Context(), true, func(b *bank.Bank) error {
				return a.importRows(cmd.Context(), b, source{name: args[0], in: in, size: size, format: f}, retry)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "the `format`, jsonl or csv; by default as the file's name ends: .jsonl, .ndjson, .json or .csv")
	cmd.Flags().BoolVar(&retry, "retry-refused", false, "try again what was refused before")
	return cmd
}

// source is a file of operations.
type source struct {
	name   string // - is the standard input
	in     io.Reader
	size   int64 // in bytes; 0 if it is not known
	format rows.Format
}

func (s source) String() string {
	if s.name == "-" {
		return "the standard input"
	}
	return s.name
}

func (a *app) importRows(ctx context.Context, b *bank.Bank, file source, retry bool) error {
	bar := a.progress("importing", "rows")
	var s summary
	done, at := 0, int64(0)
	err := b.Import(ctx, rows.Read(file.in, file.format), retry, func(i bank.Imported) {
		s.add(i)
		done, at = done+1, max(at, i.End)
		bar.set(done, at, file.size)
	})
	bar.done()
	if done > 0 {
		s.print(a.out)
	}
	bad := s.counts[bank.Unreadable] + s.counts[bank.OtherID]
	switch {
	case errors.Is(err, rows.ErrHeader):
		return fmt.Errorf("importing %s: %w: name the columns in the first line, or say --format jsonl if it is JSON Lines", file, err)
	case err != nil:
		if done > 0 {
			fmt.Fprintf(a.out, "\nThe import is not complete. Import the file again to go on: what is done stays done.\n")
		}
		return fmt.Errorf("importing %s: %w", file, err)
	case done == 0:
		fmt.Fprintf(a.out, "%s is empty: it has no rows, and nothing was imported.\n", file)
	case s.counts[bank.Unreadable] == done && file.format == rows.JSONLines:
		return &exitError{exitUnreadable, fmt.Errorf("no row of %s could be read as JSON: correct the lines, or say --format csv if it is CSV", file)}
	case bad > 0:
		return &exitError{exitUnreadable, fmt.Errorf("%s could not be imported: correct the lines named above and import the file again", count(bad, "row"))}
	}
	return nil
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

// fates are what rows can come to, in the order of the summary.
var fates = []struct {
	fate  bank.Fate
	title string // over the rows that are named
	words string
}{
	{bank.Refused, "Refused:", "refused"},
	{bank.RefusedEarlier, "Already refused, and left at that (--retry-refused tries again):", "already refused"},
	{bank.OtherID, "With an id that belongs to another operation:", "with an id that belongs to another operation"},
	{bank.Unreadable, "Unreadable:", "unreadable"},
	{bank.Applied, "", "applied"},
	{bank.AlreadyApplied, "", "already applied"},
}

// print names the rows that were not applied, and then counts all.
func (s *summary) print(w io.Writer) {
	t := newTable(">", "")
	for _, f := range fates {
		n, named := s.counts[f.fate], s.named[f.fate]
		if n > 0 || f.fate == bank.Applied {
			t.add(thousands(n), f.words)
		}
		if len(named) == 0 {
			continue
		}
		fmt.Fprintln(w, f.title)
		slices.SortFunc(named, func(a, b bank.Imported) int { return cmp.Compare(a.Line, b.Line) })
		for _, i := range named {
			id := ""
			if i.ID != "" && f.fate != bank.OtherID { // its reason names the id
				id = i.ID + ": "
			}
			fmt.Fprintf(w, "  line %d: %s%s\n", i.Line, id, printable(i.Reason))
		}
		if more := n - len(named); more > 0 {
			fmt.Fprintf(w, "  … and %s more\n", thousands(more))
		}
		fmt.Fprintln(w)
	}
	t.printRows(w)
}
