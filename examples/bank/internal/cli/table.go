package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// terminal knows how many columns of a terminal a text takes: two for a Chinese character.
var terminal = &runewidth.Condition{StrictEmojiNeutral: true}

// widestColumn is as far as a column is widened for its cells. A longer one, such as a note without end,
// breaks the alignment of its own row alone.
const widestColumn = 60

// table prints aligned columns. A column whose title begins with > is aligned right.
type table struct {
	titles []string
	right  []bool
	rows   [][]string
}

func newTable(titles ...string) *table {
	t := &table{}
	for _, title := range titles {
		name, right := strings.CutPrefix(title, ">")
		t.titles, t.right = append(t.titles, name), append(t.right, right)
	}
	return t
}

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = printable(fmt.Sprint(cell))
	}
	t.rows = append(t.rows, row)
}

// print prints the table without the columns that are empty in all rows.
func (t *table) print(w io.Writer) { t.printLines(w, append([][]string{t.titles}, t.rows...)) }

// printRows prints the table without its titles.
func (t *table) printRows(w io.Writer) { t.printLines(w, t.rows) }

func (t *table) printLines(w io.Writer, lines [][]string) {
	widths := make([]int, len(t.titles))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], min(terminal.StringWidth(cell), widestColumn))
		}
	}
	for i, title := range t.titles {
		if widths[i] > 0 {
			widths[i] = max(widths[i], terminal.StringWidth(title))
		}
	}
	for _, row := range lines {
		var line strings.Builder
		for i, cell := range row {
			if widths[i] == 0 {
				continue
			}
			padding := strings.Repeat(" ", max(0, widths[i]-terminal.StringWidth(cell)))
			if t.right[i] {
				line.WriteString(padding + cell + "  ")
			} else {
				line.WriteString(cell + padding + "  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// printable keeps what customers wrote from moving the cursor, coloring the terminal or turning the
// direction of the text, which would show other amounts than there are.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return '�'
		}
		return r
	}, text)
}

// timestamp prints a time with all that the store keeps, so that it can be given back to history --at.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// count prints a number with a noun: 1 event, 2,000 events.
func count(n int, noun string) string {
	return thousands(n) + " " + plural(n, noun)
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// thousands prints a number in groups of three digits.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
