package purefold

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"log"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/aggregate"
)

//esgen:aggregate fold=1
type Account struct {
	aggregate.Root
	At    time.Time
	ID    string
	Count int
	Sum   float64
	Names []string
	Rates map[string]int
	Last  string
	Any   bool
}

//esgen:event
type Opened struct {
	At    time.Time
	Rates map[string]int
	Sums  map[string]float64
}

//esgen:event
type Closed struct{ Names []string }

var (
	rates    = map[string]int{"a": 1}
	counter  int
	errNever = errors.New("never")
)

func init() { rates["b"] = 2 }

func (a *Account) Open() {
	counter = 1
	a.recordOpened(Opened{At: time.Now()})
	a.recordClosed(Closed{})
}

func (a *Account) applyOpened(e Opened) {
	a.At = time.Now()                // want `applyOpened reads the clock with time.Now, so that a replay gives another state: take it in the command and put it into the event`
	a.Sum = time.Since(e.At).Hours() // want `reads the clock with time.Since`
	a.At = e.At.Local()              // want `depends on the machine's time zone`
	a.At = e.At.In(time.Local)       // want `depends on the machine's time zone`
	a.At = time.Unix(1, 0)           // want `takes a time in the machine's zone`
	a.At = time.Unix(1, 0).UTC()
	a.ID = uuid.NewString() // want `makes a new id with uuid.NewString`
	a.ID = uuid.NewSHA1(uuid.Nil, nil).String()
	a.Count = rand.IntN(3)   // want `takes random numbers with rand.IntN`
	crand.Read(nil)          // want `takes random numbers with rand.Read`
	a.ID = os.Getenv("HOME") // want `asks the operating system with os.Getenv`
	a.ID = os.Args[0]        // want `reads os.Args`
	log.Print("opened")      // want `writes a log with log.Print`
	fmt.Println("opened")    // want `reads or writes with fmt.Println`
	a.ID = fmt.Sprint(e.At)
	a.Count = rates["a"]
	a.Count = counter // want `reads variable counter, which functions change`
	counter++         // want `changes variable counter`
	a.Any = errNever == nil
	load(context.Background()) // want `reads or writes with load, which takes a context`
	a.recordClosed(Closed{})   // want `applyOpened records an event while one is applied, and again at every replay: record it in the command`
	a.helped()
	go func() {}() // want `starts a goroutine`
	c := make(chan int, 1)
	c <- 1        // want `sends to a channel`
	a.Count = <-c // want `receives from a channel`
	close(c)      // want `closes a channel`
	select {}     // want `waits for channels`
}

func load(context.Context) {}

func (a *Account) helped() {
	a.At = time.Now() // want `applyOpened, by way of helped, reads the clock`
}

func (a *Account) applyClosed(e Closed) {
	for k := range a.Rates { // want `lets the order of a map show \(line \d+ appends, and nothing sorts after\)`
		a.Names = append(a.Names, k)
	}
	for k := range a.Rates {
		e.Names = append(e.Names, k)
	}
	sort.Strings(e.Names)
	for k := range a.Rates { // want `keeps what comes last`
		a.Last = k
	}
	for _, n := range a.Rates { // want `adds up what is not an integer`
		a.Sum += float64(n)
	}
	for k := range a.Rates { // want `adds up what is not an integer`
		a.Last += k
	}
	for k := range maps.Keys(a.Rates) { // want `keeps what comes last`
		a.Last = k
	}
	for k := range a.Rates { // want `calls what changes the state`
		a.name(k)
	}
	a.Names = slices.Collect(maps.Keys(a.Rates)) // want `it is collected and not sorted`
	a.Names = slices.Sorted(maps.Keys(a.Rates))
	a.Last = a.first()
	most := 0
	for k, n := range a.Rates {
		a.Count += n
		a.Count = a.Count + n
		rate := n * 2
		rate++
		a.Rates[k] = rate
		delete(e.counts(), k)
		a.Any = true
		a.Any = a.Any || n > 2
		if n > most {
			most = n
		}
		most = max(most, n)
		switch {
		case n == 3:
			continue
		case n == 4:
			a.Count--
		}
		_ = a.has(k)
	}
}

func (c Closed) counts() map[string]int { return nil }

func (a *Account) has(name string) bool {
	for k := range a.Rates {
		if k == name {
			return true
		}
	}
	return false
}

func (a *Account) first() string {
	for k := range a.Rates { // want `returns what comes first`
		return k
	}
	return ""
}

func (a *Account) name(k string) { a.Names = append(a.Names, k) }

//esgen:event version=2
type Renamed struct{ Name string }

type RenamedV1 struct{ Title string }

func (a *Account) applyRenamed(e Renamed) {}

//esgen:upcast
func upcastRenamed(old RenamedV1) Renamed {
	return Renamed{Name: old.Title + time.Now().String()} // want `upcastRenamed reads the clock`
}
