package lock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"io"
	"strconv"
	"unicode/utf8"
)

// node is a JSON value with its place in the text.
type node struct {
	at      int
	value   any // string, json.Number, bool or nil; json.Delim('{') or '[' for those with members or elems
	members []member
	elems   []*node
}

type member struct {
	name  string
	at    int
	value *node
}

// source is the text of one file.
type source struct {
	path string
	data []byte
}

// failure is what is wrong with a file, and where.
type failure struct {
	at      int
	message string
}

func (f *failure) Error() string { return f.message }

func failf(at int, format string, args ...any) *failure {
	return &failure{at, fmt.Sprintf(format, args...)}
}

// position turns an offset into line and column, which count from 1, the column in bytes.
func (s source) position(at int) token.Position {
	before := s.data[:min(at, len(s.data))]
	return token.Position{
		Filename: s.path, Offset: at,
		Line: 1 + bytes.Count(before, []byte("\n")), Column: len(before) - bytes.LastIndexByte(before, '\n'),
	}
}

// parse returns the one value of the text.
func (s source) parse() (*node, error) {
	if at := conflict(s.data); at >= 0 {
		return nil, failf(at, "a merge conflict is unresolved: take the file of the base branch (git checkout BASE -- FILE), and run esgen, which adds what the code has beyond it")
	}
	if !utf8.Valid(s.data) {
		return nil, failf(0, "it is no UTF-8 text: restore the file, git has it")
	}
	p := &parser{source: s, dec: json.NewDecoder(bytes.NewReader(s.data))}
	p.dec.UseNumber()
	n, err := p.node(0)
	if err != nil {
		return nil, err
	}
	at := p.next()
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, failf(at, "text follows the lock of the event: remove it, or restore the file, git has it")
	}
	return n, nil
}

// conflict returns where a marker of a merge conflict is, -1 if there is none. No line of
// a lock begins like one.
func conflict(data []byte) int {
	at := 0
	for line := range bytes.Lines(data) {
		for _, marker := range []string{"<<<<<<<", "=======", ">>>>>>>", "|||||||"} {
			if bytes.HasPrefix(line, []byte(marker)) {
				return at
			}
		}
		at += len(line)
	}
	return -1
}

type parser struct {
	source
	dec *json.Decoder
}

// next returns where the next token begins.
func (p *parser) next() int {
	at := int(p.dec.InputOffset())
	for at < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,:"), p.data[at]) >= 0 {
		at++
	}
	return at
}

func (p *parser) token() (at int, t json.Token, err error) {
	at = p.next()
	t, err = p.dec.Token()
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return at, nil, failf(at, "it is no JSON (%v): restore the file, git has it", err)
	}
	if err != nil {
		return at, nil, failf(len(p.data), "it ends in the middle: restore the file, git has it")
	}
	return at, t, nil
}

func (p *parser) node(depth int) (*node, error) {
	at, t, err := p.token()
	if err != nil {
		return nil, err
	}
	n := &node{at: at, value: t}
	delim, _ := t.(json.Delim)
	const deepest = 20
	if depth > deepest {
		return nil, failf(at, "it is nested too deeply to be a lock: restore the file, git has it")
	}
	switch delim {
	case '{':
		seen := map[string]bool{}
		for p.dec.More() {
			at, t, err := p.token()
			if err != nil {
				return nil, err
			}
			name, _ := t.(string)
			if seen[name] {
				return nil, failf(at, "%q is there twice: remove one of them", name)
			}
			seen[name] = true
			value, err := p.node(depth + 1)
			if err != nil {
				return nil, err
			}
			n.members = append(n.members, member{name, at, value})
		}
	case '[':
		for p.dec.More() {
			elem, err := p.node(depth + 1)
			if err != nil {
				return nil, err
			}
			n.elems = append(n.elems, elem)
		}
	default:
		return n, nil
	}
	_, _, err = p.token() // the closing one
	return n, err
}

// object calls the function of each member by its name. A name that there is none for is an error.
func (n *node) object(what string, fields map[string]func(*node) error) error {
	if n.value != json.Delim('{') {
		return failf(n.at, "%s is no object", what)
	}
	for _, m := range n.members {
		read := fields[m.name]
		if read == nil {
			return failf(m.at, "%s has an unknown member %q: restore the file, or update esgen if a newer one wrote it", what, m.name)
		}
		if err := read(m.value); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) array(what string, read func(*node) error) error {
	if n.value != json.Delim('[') {
		return failf(n.at, "%s is no array", what)
	}
	for _, e := range n.elems {
		if err := read(e); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) text(what string, to *string) error {
	s, ok := n.value.(string)
	if !ok {
		return failf(n.at, "%s is no string", what)
	}
	*to = s
	return nil
}

func (n *node) flag(what string, to *bool) error {
	b, ok := n.value.(bool)
	if !ok {
		return failf(n.at, "%s is neither true nor false", what)
	}
	*to = b
	return nil
}

// number reads a whole number from 1.
func (n *node) number(what string, to *int) error {
	number, _ := n.value.(json.Number)
	i, err := strconv.ParseInt(number.String(), 10, 32)
	if err != nil || i < 1 {
		return failf(n.at, "%s is no whole number from 1", what)
	}
	*to = int(i)
	return nil
}
