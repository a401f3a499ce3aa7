package shape

import (
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// checkTag reports a tag of the user's that is not made of key:"value" pairs: package reflect,
// and with it encoding/json, leaves out what it can't read.
func (b *builder) checkTag(f *types.Var, tag, at string) {
	if f.Pkg() != b.user {
		return
	}
	wrong := malformed(tag)
	if wrong == "" {
		return
	}
	remedy := `write pairs of key:"value" with a space between, such as ` + "`json:\"name\"`"
	if key, value, ok := strings.Cut(wrong, ":"); ok {
		key, value = strings.TrimSpace(key), strings.Trim(value, " \"'")
		if token.IsIdentifier(key) && value != "" && !strings.ContainsAny(value, " \"'`:") {
			remedy = "write `" + key + ":" + strconv.Quote(value) + "` instead"
		}
	}
	b.problem(at, "the tag is malformed and has no effect from "+strconv.Quote(wrong)+" on", remedy)
}

// malformed returns the part of a tag from where on package reflect doesn't read it.
func malformed(tag string) string {
	for {
		tag = strings.TrimLeft(tag, " ")
		i := strings.IndexFunc(tag, func(r rune) bool { return r <= ' ' || r == ':' || r == '"' || r == 0x7f })
		if tag == "" {
			return ""
		}
		if i <= 0 || !strings.HasPrefix(tag[i:], `:"`) {
			return tag
		}
		quoted, err := strconv.QuotedPrefix(tag[i+1:])
		if err != nil {
			return tag
		}
		tag = tag[i+1+len(quoted):]
	}
}
