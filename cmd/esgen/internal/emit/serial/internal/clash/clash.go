// Package clash declares the names that generated code would like to use.
package clash

import "time"

type (
	// Opened and opened differ by case alone.
	Opened struct {
		Items []item
		Maps  map[key][]map[key]item
		When  time.Time
		Ptr   ***elem
		Fixed [2]n
		X     opened
		Bools []bool `json:",omitempty"`
	}
	opened struct{ V v }
	item   struct{ Key key }
	key    string
	elem   struct{ Items []items }
	items  []more
	more   int
	n      uint8
	v      struct{ Name name }
	name   string
	ok     bool
	p2     int
	// d is a state.
	d struct {
		ok    ok
		seen  map[key]*p2
		data  []byte
		items []items
	}
	err   struct{}
	known struct{}
	m     struct{}
	dst   struct{}
	keys  struct{}
	i     struct{}
	start struct{}
)

func appendOpened2() {}
func readItem()      {}
func codec()         {}
func strconv()       {}
func codectest()     {}
