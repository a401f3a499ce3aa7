package emit

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
)

const commentWidth = 90

// comment writes a doc comment, broken into lines.
func comment(f *jen.File, format string, args ...any) {
	f.Line()
	line := ""
	for word := range strings.FieldsSeq(fmt.Sprintf(format, args...)) {
		if line != "" && len(line)+1+len(word) > commentWidth {
			f.Comment(line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	f.Comment(line)
}

// orList joins words: "a", "a or b", "a, b or c".
func orList(words []string) string { return join(words, " or ") }

// andList joins words: "a", "a and b", "a, b and c".
func andList(words []string) string { return join(words, " and ") }

func join(words []string, conjunction string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + conjunction + words[last]
}
