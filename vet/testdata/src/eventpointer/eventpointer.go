package eventpointer

import "github.com/esgen-go/esgen/aggregate"

//esgen:aggregate
type Account struct {
	aggregate.Root
	N int
}

//esgen:event apply=assign
type Opened struct{ N int }

//esgen:event apply=assign
type Closed struct{ N int }

type other struct{ N int }

func (a *Account) Open() {
	a.recordOpened(Opened{1})
	a.recordClosed(Closed{1})
}

func handle(event AccountEvent) int {
	switch e := event.(type) {
	case *Opened: // want `this case never matches, as events are values: write Opened instead of \*Opened`
		return e.N
	case Closed:
		return e.N
	}
	switch event.(type) {
	case *Opened, *Closed: // want `write Opened` `write Closed`
	}
	switch e := any(event).(type) {
	case *Closed: // want `never matches`
		take(e)
	case *other, Opened:
	}
	switch any(event).(type) {
	case *Closed: // want `never matches`
	case Closed:
	}
	if e, ok := event.(*Opened); ok { // want `this never succeeds, as events are values: write Opened instead of \*Opened`
		return e.N
	}
	return 0
}

func take(*Closed) {}
