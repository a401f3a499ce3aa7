package cli

import (
	"bytes"
	"strings"
	"testing"
)

func TestATableIsAlignedAsATerminalShowsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		owners []string
		want   string
	}{
		"letters with marks": {[]string{"Zoë", "Ann"}, `
OWNER  BALANCE
Zoë          1
Ann          1
`},
		"characters of two columns": {[]string{"山田 健二", "Ann"}, `
OWNER      BALANCE
山田 健二        1
Ann              1
`},
		"what moves the cursor, colors, or turns the direction": {[]string{"a\x1b[2Jb\n\u202ec\u2028", "Ann"}, `
OWNER       BALANCE
a�[2Jb��c�        1
Ann               1
`},
		"a cell without end": {[]string{strings.Repeat("x", 70), "Ann"}, `
OWNER                                                         BALANCE
xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx        1
Ann                                                                 1
`},
		"a column without content": {[]string{"", ""}, `
BALANCE
      1
      1
`},
	} {
		table := newTable("OWNER", ">BALANCE")
		for _, owner := range c.owners {
			table.add(owner, 1)
		}
		var got bytes.Buffer
		table.print(&got)
		if got.String() != c.want[1:] {
			t.Errorf("%s: got\n%swant%s", name, got.String(), c.want)
		}
	}
}
