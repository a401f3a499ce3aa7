// Package names derives the names of generated declarations from those of the user's.
package names

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sum returns the name of the sum type of an aggregate's events.
func Sum(aggregate string) string { return Upper(aggregate) + "Event" }

// SumMethod returns the name of the method that seals the sum.
func SumMethod(aggregate string) string { return "is" + Sum(aggregate) }

// Apply returns the name of the method that applies an event.
func Apply(event string) string { return "apply" + Upper(event) }

// Record returns the name of the method that records an event.
func Record(event string) string { return "record" + Upper(event) }

// Type returns the name of the type that implements aggregate.Type.
func Type(aggregate string) string { return Lower(aggregate) + "Type" }

// Old returns the name of the struct of an old version of an event.
func Old(event string, version int) string {
	return versionSuffix.ReplaceAllString(event, "") + "V" + strconv.Itoa(version)
}

var versionSuffix = regexp.MustCompile(`V[1-9][0-9]{0,8}$`)

// Snake turns a Go name into snake case, initialisms as one word: HTTPRouteAdded
// is http_route_added.
func Snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if r == '_' {
			if i > 0 && i < len(runes)-1 && runes[i-1] != '_' {
				b.WriteByte('_')
			}
			continue
		}
		if i > 0 && unicode.IsUpper(r) && runes[i-1] != '_' {
			afterLower := !unicode.IsUpper(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Camel turns the stored name of an event into a Go name: order.line_added is OrderLineAdded.
func Camel(event string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(event, func(r rune) bool { return strings.ContainsRune("_.:/-", r) }) {
		b.WriteString(Upper(part))
	}
	return b.String()
}

// Upper returns name with its first letter in upper case.
func Upper(name string) string {
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(r)) + name[n:]
}

// Lower returns name with its first word in lower case: Account is account, and
// HTTPRoute is httpRoute.
func Lower(name string) string {
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsUpper(r) || i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1]) {
			break
		}
		runes[i] = unicode.ToLower(r)
	}
	return string(runes)
}

// Local has the names of variables in generated functions, which types that these mention
// must not have.
var Local = map[string]bool{
	"a": true, "data": true, "dst": true, "e": true, "err": true, "event": true, "events": true, "f": true, "i": true,
	"id": true, "n": true, "name": true, "next": true, "opts": true, "part": true, "parts": true, "rec": true, "row": true,
	"schema": true, "store": true, "t": true,
}
