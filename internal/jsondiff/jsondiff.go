// Package jsondiff tells in words how two JSON texts differ.
package jsondiff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// Difference is one place where two JSON texts differ.
type Difference struct {
	Path     string // such as items[2].price; "" for the whole
	Old, New string // JSON, "" where it is absent
}

func (d Difference) String() string {
	path := d.Path
	if path == "" {
		path = "(all)"
	}
	return fmt.Sprintf("%s: %s → %s", path, orAbsent(d.Old), orAbsent(d.New))
}

func orAbsent(text string) string {
	if text == "" {
		return "(absent)"
	}
	return text
}

// Compare returns the differences between two JSON texts, none if they hold the same.
// Texts that are not JSON, or differ in their spelling alone, are compared as a whole.
func Compare(before, after []byte) []Difference {
	if bytes.Equal(before, after) {
		return nil
	}
	whole := []Difference{{Old: string(before), New: string(after)}}
	a, errA := parse(before)
	b, errB := parse(after)
	if errA != nil || errB != nil {
		return whole
	}
	if found := compare(nil, "", a, b); len(found) > 0 {
		return found
	}
	return whole
}

// parse keeps numbers as they are written: 1 and 1.0 differ, and no digit is lost.
func parse(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("trailing data")
	}
	return v, nil
}

func compare(found []Difference, path string, a, b any) []Difference {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			return compareObjects(found, path, x, y)
		}
	case []any:
		if y, ok := b.([]any); ok {
			return compareArrays(found, path, x, y)
		}
	default:
		switch b.(type) {
		case map[string]any, []any:
		default:
			if a == b {
				return found
			}
		}
	}
	return append(found, Difference{Path: path, Old: text(a), New: text(b)})
}

func compareObjects(found []Difference, path string, a, b map[string]any) []Difference {
	names := maps.Clone(a)
	maps.Copy(names, b)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		at := name
		if path != "" {
			at = path + "." + name
		}
		x, inA := a[name]
		y, inB := b[name]
		switch {
		case !inA:
			found = append(found, Difference{Path: at, New: text(y)})
		case !inB:
			found = append(found, Difference{Path: at, Old: text(x)})
		default:
			found = compare(found, at, x, y)
		}
	}
	return found
}

func compareArrays(found []Difference, path string, a, b []any) []Difference {
	for i := range max(len(a), len(b)) {
		at := path + "[" + strconv.Itoa(i) + "]"
		switch {
		case i >= len(a):
			found = append(found, Difference{Path: at, New: text(b[i])})
		case i >= len(b):
			found = append(found, Difference{Path: at, Old: text(a[i])})
		default:
			found = compare(found, at, a[i], b[i])
		}
	}
	return found
}

func text(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v) // what was parsed from JSON always encodes
	}
	return string(bytes.TrimSpace(out.Bytes()))
}

// Same reports whether two JSON texts hold the same: white space, escapes and the order of members don't count,
// the spelling of numbers does. Texts that are not JSON are the same if their bytes are.
func Same(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := parse(a)
	y, errY := parse(b)
	return errX == nil && errY == nil && len(compare(nil, "", x, y)) == 0
}
