package ignore

import "github.com/esgen-go/esgen/aggregate"

//esgen:aggregate
type Account struct {
	aggregate.Root
	N int
}

//esgen:event apply=assign
type Opened struct{ N int }

func (a *Account) Repair() {
	a.recordOpened(Opened{1})
	//esgen:ignore statechange the number was wrong, see #12
	a.N = 1
	a.N = 2 //esgen:ignore statechange and again
	/* want "gives no reason" */ //esgen:ignore statechange
	a.N = 3                      // want "changes the state"
	/* want "names no analyzer" */ //esgen:ignore stateChange the name is wrong
	a.N = 4                        // want "changes the state"
	/* want "ignores nothing: remove it" */ //esgen:ignore statechange there is nothing to ignore
}
