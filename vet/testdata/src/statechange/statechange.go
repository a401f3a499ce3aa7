package statechange

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync/atomic"

	"github.com/esgen-go/esgen/aggregate"
)

type profile struct {
	Name string
	Tags []string
}

func (p *profile) rename(name string) { p.Name = name }

func (p *profile) clear() { p.Name, p.Tags = "", nil }

func (p profile) named(name string) profile { p.Name = name; return p }

//esgen:aggregate
type Account struct {
	aggregate.Root
	profile
	Balance int64
	Lines   []int
	Rates   map[string]int
	Main    profile
	Best    *profile
	cache   map[string]int `esgen:"-"`
}

//esgen:event
type Changed struct{ Balance int64 }

func (a *Account) applyChanged(e Changed) {
	a.Balance = e.Balance
	a.add(1)
	a.both()
	func() { a.Balance++ }()
}

func (a *Account) add(n int) { a.Lines = append(a.Lines, n) }

func (a *Account) both() { a.Best = &a.Main }

func (a *Account) Assign(n int64) {
	a.Balance = n               // want `Assign changes the state outside of an apply body \(a.Balance\), and is lost`
	a.Balance, n = n, a.Balance // want `changes the state`
	a.Balance += n              // want `changes the state`
	a.Balance++                 // want `changes the state`
	a.Lines[0] = 1              // want `changes the state`
	a.Rates["x"] = 1            // want `changes the state`
	a.Main.Name = ""            // want `changes the state`
	a.Name = ""                 // want `changes the state`
	a.Best.Tags[0] = ""         // want `changes the state`
	*a = Account{}              // want `changes the state`
	(*a).Balance = 1            // want `changes the state`
	for a.Balance = range 3 {   // want `changes the state`
	}
	n = a.Balance
	a.recordChanged(Changed{n})
}

func (a *Account) Call() {
	a.add(1)           // want `Call has add change the state outside of an apply body \(a\), and that is lost`
	a.rename("x")      // want `has rename change the state`
	a.Main.rename("x") // want `has rename change the state`
	a.Main.clear()     // want `has clear change the state`
	a.Best.rename("x") // want `has rename change the state`
	_ = a.named("x")
	delete(a.Rates, "x")                   // want `changes the state`
	clear(a.Lines)                         // want `changes the state`
	copy(a.Lines, []int{1})                // want `changes the state`
	slices.Sort(a.Lines)                   // want `has Sort change the state`
	sort.Ints(a.Lines)                     // want `has Ints change the state`
	maps.Copy(a.Rates, a.cache)            // want `has Copy change the state`
	fill(a.Lines)                          // want `has fill change the state`
	set(&a.Balance)                        // want `has set change the state`
	json.Unmarshal(nil, &a.Lines)          // want `has Unmarshal change the state`
	fmt.Sscan("1", &a.Balance)             // want `has Sscan change the state`
	json.NewDecoder(nil).Decode(&a.Lines)  // want `has Decode change the state`
	json.NewDecoder(nil).Decode(a.Best)    // want `has Decode change the state`
	new(sql.Row).Scan(&a.Name, &a.Balance) // want `has Scan change the state outside of an apply body \(a.Name\)` `has Scan change the state outside of an apply body \(a.Balance\)`
	atomic.AddInt64(&a.Balance, 1)         // want `has AddInt64 change the state`
	json.Unmarshal(nil, &a.cache)
	var n int64
	fmt.Sscan("1", &n)
	a.applyChanged(Changed{})  // want `Call calls applyChanged, which changes the state and records nothing: call recordChanged`
	_ = append(a.Lines[:0], 1) // want `changes the state`
}

func fill(lines []int) { lines[0] = 1 }

func set(n *int64) { *n = 1 }

func (a *Account) Alias() {
	lines := a.Lines
	lines[0] = 1 // want `changes the state`
	best := &a.Main
	best.Name = "x" // want `changes the state`
	best.rename("") // want `has rename change the state`
	for i := range a.Lines {
		line := &a.Lines[i]
		*line = 1 // want `changes the state`
	}
	next := *a
	next.Rates["x"] = 2                // want `changes the state`
	change := func() { a.Balance = 1 } // want `changes the state`
	change()
}

func (a *Account) Copies() int64 {
	next := *a
	next.Balance = 3
	next.Lines = slices.Clone(a.Lines)
	next.Lines[0] = 1
	lines := append([]int(nil), a.Lines...)
	lines[0] = 2
	rates := maps.Clone(a.Rates)
	rates["x"]++
	main := a.Main
	main.Name = "copy"
	main.rename("copy")
	for _, line := range a.Lines {
		line++
	}
	a.cache = map[string]int{}
	a.cache["x"] = 1
	a = &next
	return next.Balance
}

func helper(a *Account) { a.Balance = 0 } // want `helper changes the state`

func (a *Account) Helped() { helper(a) }
