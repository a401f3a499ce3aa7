// Package codec is the run-time of the serializers that esgen generates:
// primitives that append JSON to a buffer, and a [Decoder] that reads it
// strictly, without reflection. People don't usually call it.
//
// What is written has the bytes of encoding/json (version 1) with
// SetEscapeHTML(false); what is read is checked as strictly as encoding/json/v2
// does. DEPARTURES.md beside the source lists every exception.
//
// # Contract with generated code
//
// Appending functions return the extended buffer, and those that can fail an
// error too, after which the buffer is of no use. Generated code adds the path
// on the way out with [InField], [InIndex] and [InName].
//
// A Decoder keeps its first error: after it every method returns zero values
// and ends loops, so that generated code asks once, with [Decoder.End].
//
// Decoded values own their memory; nothing refers to the text that was decoded. But values of one text share theirs:
// a string that is kept keeps a copy of the text, and a pointer or a list that is kept keeps up to 2 KiB
// of others like it. So does a short encoded text, up to 1 KiB. Clone what outlives its event by far.
package codec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Generation1 is referred to by code that was generated for this version of
// the run-time, so that it doesn't build with an older one.
const Generation1 = 1

// MaxDepth is how deep arrays and objects may be nested.
const MaxDepth = 10_000

// MaxRecursion is how deep values of recursive types may be nested when
// they are encoded: less than MaxDepth, so that what is around them has room.
const MaxRecursion = MaxDepth - 1_000

// Error says which value could not be encoded or decoded.
type Error struct {
	Path   string // such as items[3].price; "" for the value as a whole
	Offset int    // of the byte in the text at which decoding failed; -1 when encoding
	Err    error  // what is wrong
}

// Error returns the message, with the path and the offset.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Offset < 0 {
		b.WriteString("encode")
	} else {
		b.WriteString("decode")
	}
	if e.Path != "" {
		b.WriteString(" " + e.Path)
	}
	if e.Offset >= 0 {
		b.WriteString(" at byte " + strconv.Itoa(e.Offset))
	}
	b.WriteString(": " + e.Err.Error())
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// What an [Error] can wrap, besides errors of marshaling methods.
var (
	ErrInvalidUTF8   = errors.New("invalid UTF-8")
	ErrNotFinite     = errors.New("NaN and infinities have no JSON form")
	ErrRange         = errors.New("number out of range")
	ErrDuplicateName = errors.New("duplicate name in an object")
	ErrMissing       = errors.New("required field is missing: if it was added after the event was stored, give it omitempty, esgen:\"default=…\", or a schema version of its own")
	ErrNull          = errors.New("null where a value is required")
	ErrDepth         = errors.New("nested too deeply")
	ErrSyntax        = errors.New("invalid JSON")
	ErrType          = errors.New("unexpected type of value")
	ErrFormat        = errors.New("invalid format")
	ErrLength        = errors.New("wrong number of elements")
)

// InField adds the name of the field in which encoding failed to err's path.
func InField(err error, name string) error { return within(err, name) }

// InIndex adds the index of the element in which encoding failed to err's path.
func InIndex(err error, i int) error { return within(err, indexStep(i)) }

// InName adds the name of a map's element in which encoding failed to err's path.
func InName(err error, name string) error { return within(err, member(name)) }

func within(err error, step string) error {
	var e *Error
	if !errors.As(err, &e) || e.Offset >= 0 {
		return &Error{Path: step, Offset: -1, Err: err}
	}
	const longest = 500 // of recursive values
	if len(e.Path) > longest {
		return e
	}
	return &Error{Path: join(step, e.Path), Offset: -1, Err: e.Err}
}

func indexStep(i int) string { return "[" + strconv.Itoa(i) + "]" }

func join(step, rest string) string {
	if step == "" || rest == "" || rest[0] == '[' {
		return step + rest
	}
	return step + "." + rest
}

// member returns a name as a step of a path: as it is where it reads as
// one, else in brackets and quotes.
func member(name string) string {
	for i, c := range name {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return "[" + strconv.Quote(name) + "]"
		}
	}
	if name == "" {
		return `[""]`
	}
	return name
}

func wrongf(kind error, format string, args ...any) error {
	return fmt.Errorf("%w: %w", kind, fmt.Errorf(format, args...))
}
