package recordedevent

import (
	"slices"
	"sort"

	"github.com/esgen-go/esgen/aggregate"
)

type Line struct {
	Count int
	Tags  []string
}

//esgen:aggregate
type Order struct {
	aggregate.Root
	Lines []Line
	Rates map[string]int
	Kept  []Line
	Own   []Line
}

//esgen:event
type Ordered struct {
	Name  string
	Lines []Line
	Rates map[string]int
	Price *int
}

func (o *Order) applyOrdered(e Ordered) {
	o.Lines = e.Lines // want `field Lines of the state shares memory with the event, which changes of the state then change before it is stored: write slices.Clone\(e.Lines\)`
	o.Kept = e.Lines
	o.Own = slices.Clone(e.Lines)
	o.Own[0].Count = 1
	e.Lines[0].Count = 2 // want `applyOrdered changes the event that it applies, by way of e.Lines\[0\].Count, before that is stored`
	e.Name = "fine"
	lines := e.Lines
	sort.Slice(lines, func(i, j int) bool { return lines[i].Count < lines[j].Count }) // want `applyOrdered changes the event`
}

//esgen:event
type Counted struct{ Line, Count int }

func (o *Order) applyCounted(e Counted) {
	line := &o.Lines[e.Line]
	line.Count = e.Count
}

func (o *Order) Shared(lines []Line, price int, rates map[string]int) {
	o.recordOrdered(Ordered{Lines: lines, Price: &price, Rates: rates})
	lines[0].Count = 1            // want `lines\[0\].Count shares memory with an event that was recorded`
	slices.Sort(lines[0].Tags)    // want `shares memory`
	price = 3                     // want `price shares memory`
	clear(rates)                  // want `shares memory`
	fill(lines)                   // want `shares memory`
	_ = append(lines[:0], Line{}) // want `shares memory`
	lines = append(lines, Line{})
	lines = nil
	lines = append(lines, Line{})
	lines[0].Count = 1
}

func fill(lines []Line) { lines[0] = Line{} }

func (o *Order) Alias(lines []Line) {
	e := Ordered{Name: "x"}
	e.Lines = lines
	first := &lines[0]
	o.recordOrdered(e)
	first.Count = 1     // want `shares memory`
	e.Lines[0] = Line{} // want `shares memory`
	e.Name = "y"        // want `e.Name is changed after the event was recorded, which has no effect on that`
}

func (o *Order) Before(lines []Line) {
	lines[0].Count = 1
	own := slices.Clone(lines)
	o.recordOrdered(Ordered{Lines: own})
	lines[0].Count = 2
	count := own[0]
	count.Count = 3
}

func (o *Order) Branches(lines []Line) {
	if len(lines) > 1 {
		o.recordOrdered(Ordered{Lines: lines})
		return
	} else {
		lines[0].Count = 1
	}
	lines[0].Count = 2
	switch len(lines) {
	case 1:
		o.recordOrdered(Ordered{Lines: lines})
	case 2:
		lines[0].Count = 3
	}
	lines[0].Count = 4 // want `shares memory`
}

func (o *Order) Loops(all [][]Line) {
	var buffer []Line
	var e Ordered
	for _, lines := range all {
		buffer = append(buffer[:0], lines...) // want `shares memory`
		o.recordOrdered(Ordered{Lines: buffer})
		own := slices.Clone(lines)
		own[0].Count = 1
		o.recordOrdered(Ordered{Lines: own})
		e.Name = "again"
		o.recordOrdered(e)
	}
	for range 3 {
		buffer = make([]Line, 1)
		buffer[0].Count = 1
		o.recordOrdered(Ordered{Lines: buffer})
	}
	o.recordCounted(Counted{})
}
