package unusedevent

import "github.com/esgen-go/esgen/aggregate"

//esgen:aggregate
type Account struct {
	aggregate.Root
	N int
}

//esgen:event apply=assign
type Opened struct{ N int }

//esgen:event apply=assign
type Forgotten struct{ N int } // want `event Forgotten is never recorded: call recordForgotten in a command, or, if it does not happen any more, write //esgen:retired`

//esgen:event apply=assign
type Passed struct{ N int }

//esgen:event apply=assign version=2
type Made struct{ N int }

type MadeV1 struct{ N int }

//esgen:upcast
func upcastMade(old MadeV1) Made { return Made{old.N} }

func (a *Account) Open() {
	a.recordOpened(Opened{1})
	record(a.recordPassed)
}

func record(f func(Passed)) { f(Passed{1}) }
