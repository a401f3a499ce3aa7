package docs

import (
	"fmt"
	"go/doc/comment"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/catalog"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

func parseDoc(doc string) *comment.Doc {
	parser := comment.Parser{LookupSym: func(recv, name string) bool { return true }}
	return parser.Parse(doc)
}

// plain returns a doc comment as text in one line.
func plain(doc string) string {
	printer := comment.Printer{TextWidth: -1}
	return strings.Join(strings.Fields(string(printer.Text(parseDoc(doc)))), " ")
}

// synopsis returns the first sentence of a doc comment.
func synopsis(doc string) string {
	text := plain(doc)
	if i := strings.Index(text, ". "); i >= 0 {
		return text[:i+1]
	}
	return text
}

// markdown returns a doc comment as Markdown, with links to the page's headings where it mentions
// types that have one.
func markdown(doc string, link func(name string) string) string {
	if doc == "" {
		return ""
	}
	printer := comment.Printer{
		HeadingLevel: 5,
		HeadingID:    func(*comment.Heading) string { return "" },
		DocLinkURL: func(l *comment.DocLink) string {
			if l.ImportPath == "" && l.Recv == "" {
				if url := link(l.Name); url != "" {
					return url
				}
			}
			return l.DefaultURL("https://pkg.go.dev")
		},
	}
	return string(printer.Markdown(unlink(parseDoc(doc), link)))
}

// unlink makes text of the links to what has no heading on the page.
func unlink(doc *comment.Doc, link func(string) string) *comment.Doc {
	for _, block := range doc.Content {
		switch block := block.(type) {
		case *comment.Paragraph:
			unlinkTexts(block.Text, link)
		case *comment.Heading:
			unlinkTexts(block.Text, link)
		case *comment.List:
			for _, item := range block.Items {
				for _, inner := range item.Content {
					if p, ok := inner.(*comment.Paragraph); ok {
						unlinkTexts(p.Text, link)
					}
				}
			}
		}
	}
	return doc
}

func unlinkTexts(texts []comment.Text, link func(string) string) {
	for i, t := range texts {
		l, ok := t.(*comment.DocLink)
		if !ok || l.ImportPath != "" || l.Recv == "" && link(l.Name) != "" {
			continue
		}
		name := l.Name
		if l.Recv != "" {
			name = strings.TrimPrefix(l.Recv, "*") + "." + name
		}
		texts[i] = comment.Plain(name)
	}
}

// cell returns a text as a table's cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// code returns a text as code, in a table's cell too.
func code(text string) string { return "`" + cell(strings.ReplaceAll(text, "`", "'")) + "`" }

// anchor returns the id that GitHub and others give to a heading.
func anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
			b.WriteRune(r)
		}
	}
	return "#" + b.String()
}

// describe returns in words how a value is stored.
func describe(t *shape.Type) string { return describeIn(t, nil) }

// describeIn knows the types that t is within: such as type Tree []Tree have no end.
func describeIn(t *shape.Type, within []*shape.Type) string {
	if slices.Contains(within, t) {
		if t.Name == "" {
			return "the same"
		}
		return code(t.Name)
	}
	within = append(within, t)
	describe := func(t *shape.Type) string { return describeIn(t, within) }
	if len(t.Enum) > 0 {
		bare := *t
		bare.Enum = nil
		return describe(&bare) + ": " + listed(t.Enum)
	}
	switch t.Kind {
	case shape.Bool:
		return "true or false"
	case shape.Int:
		return "integer, " + strconv.Itoa(t.Bits) + " bits"
	case shape.Uint:
		return "integer from 0, " + strconv.Itoa(t.Bits) + " bits"
	case shape.Float:
		return "number, " + strconv.Itoa(t.Bits) + " bits"
	case shape.Number:
		return "number of any size"
	case shape.String:
		return "text"
	case shape.Bytes:
		return "bytes, base64"
	case shape.Time:
		return "time, RFC 3339"
	case shape.UUID:
		return "UUID"
	case shape.Raw:
		return "any JSON"
	case shape.Pointer:
		return describe(t.Elem)
	case shape.Struct:
		if t.Name == "" {
			return "object"
		}
		return code(t.Name)
	case shape.Slice:
		return "list of " + describe(t.Elem)
	case shape.Array:
		return fmt.Sprintf("list of exactly %d: %s", t.Len, describe(t.Elem))
	case shape.Map:
		return "map from " + describe(t.Key) + " to " + describe(t.Elem)
	case shape.Marshaler:
		return code(t.Name) + ", as it marshals itself"
	case shape.Text:
		return "text of a " + code(t.Name)
	}
	return t.Kind.String()
}

// listed returns the first values of an enumeration.
func listed(values []string) string {
	const most = 12
	var b strings.Builder
	for i, v := range values {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(values)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(code(v))
	}
	return b.String()
}

// presence returns in words whether a field may be missing.
func presence(f *shape.Field) string {
	switch {
	case f.Default != nil:
		return "default " + code(*f.Default)
	case f.Required():
		return "required"
	}
	return "optional"
}

// becomes returns in words what becomes of an old version.
func becomes(v *catalog.Version) string {
	to := make([]string, len(v.Next.To))
	for i, n := range v.Next.To {
		to[i] = n.String()
	}
	by := ""
	if v.Next.By != "" {
		by = ", by " + v.Next.By
	}
	switch {
	case v.Next.Splits && len(to) == 0:
		return "is read as any number of events" + by
	case v.Next.Splits:
		return "is read as any number of " + strings.Join(to, " and ") + by
	case len(to) == 0:
		return "is dropped when it is read" + by
	}
	return "is read as " + strings.Join(to, ", ") + by
}
