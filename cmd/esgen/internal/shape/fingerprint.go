package shape

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fingerprint returns a short hash, in lower-case hex, of what is stored: names,
// kinds, optionality and nesting. Positions, comments, the order of fields and
// the names of Go types don't count, but for types that marshal themselves:
// nothing else tells their forms apart. It also depends on what tells apart states of one
// shape that were computed in different ways.
func Fingerprint(t *Type, folds ...string) string {
	var b strings.Builder
	describe(&b, t, nil)
	for _, fold := range folds {
		b.WriteString(" fold=" + strconv.Quote(fold))
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:12])
}

// describe writes t in a canonical form. A type that contains itself is written
// as the number of levels up to where it began.
func describe(b *strings.Builder, t *Type, open []*Type) {
	if t == nil {
		b.WriteString("?")
		return
	}
	if i := slices.Index(open, t); i >= 0 {
		fmt.Fprintf(b, "^%d", len(open)-i)
		return
	}
	open = append(open, t)
	b.WriteString(t.Kind.String())
	switch t.Kind {
	case Int, Uint, Float:
		b.WriteString(strconv.Itoa(t.Bits))
	case Pointer, Slice:
		b.WriteByte('(')
		describe(b, t.Elem, open)
		b.WriteByte(')')
	case Array:
		fmt.Fprintf(b, "%d(", t.Len)
		describe(b, t.Elem, open)
		b.WriteByte(')')
	case Map:
		b.WriteByte('(')
		describe(b, t.Key, open)
		b.WriteByte(':')
		describe(b, t.Elem, open)
		b.WriteByte(')')
	case Marshaler, Text:
		if t.Go == nil {
			b.WriteString("(" + t.Name + ")") // from a lock
		} else {
			b.WriteString("(" + name(t.Go) + ")")
		}
	case Struct:
		fields := slices.SortedFunc(slices.Values(t.Fields), func(a, b *Field) int { return strings.Compare(a.Name, b.Name) })
		b.WriteByte('{')
		for _, f := range fields {
			b.WriteString(strconv.Quote(f.Name))
			if !f.Required() {
				b.WriteByte('?')
			}
			if f.Quoted {
				b.WriteByte('"')
			}
			for _, was := range f.Was {
				b.WriteString("|" + strconv.Quote(was))
			}
			if f.Default != nil {
				b.WriteString("=" + strconv.Quote(*f.Default))
			}
			b.WriteByte(':')
			describe(b, f.Type, open)
			b.WriteByte(';')
		}
		b.WriteByte('}')
	}
}
