// Package booking rents rooms: a room has a calendar of stays, and a guest has stays and points.
package booking

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/esgen-go/esgen/aggregate"
)

// Night is a day in the calendar.
type Night string

// Stay is one booking of a room.
type Stay struct {
	Guest  string   `json:"guest"`
	Nights []Night  `json:"nights"`
	Extras []string `json:"extras,omitempty"`
	Rate   float64  `json:"rate"`
}

func (s Stay) price() float64 { return s.Rate * float64(len(s.Nights)) }

func (s *Stay) add(extra string) { s.Extras = append(s.Extras, extra) }

// calendar knows who is where when.
type calendar struct {
	taken map[Night]string
	order []Night
}

func (c *calendar) take(night Night, guest string) {
	if c.taken == nil {
		c.taken = map[Night]string{}
	}
	c.taken[night] = guest
	c.order = append(c.order, night)
}

func (c *calendar) free(night Night) {
	delete(c.taken, night)
	c.order = slices.DeleteFunc(c.order, func(n Night) bool { return n == night })
}

func (c calendar) isFree(nights []Night) bool {
	return !slices.ContainsFunc(nights, func(n Night) bool { _, taken := c.taken[n]; return taken })
}

// Room is one room of the house.
//
//esgen:aggregate
type Room struct {
	aggregate.Root
	Name     string
	Calendar calendar
	Stays    map[string]*Stay
	Revenue  float64
	Closed   bool
	Seasons  map[string]float64
	Cleaned  time.Time
	Notes    []string

	lookups atomic.Int64 `esgen:"-"`
}

// seasons are the rates by month. Nobody changes them.
var seasons = map[time.Month]float64{time.July: 1.5, time.August: 1.6, time.December: 1.2}

// booked counts for the metrics.
var booked atomic.Int64

// RoomAdded adds a room.
//
//esgen:event aggregate=Room
type RoomAdded struct {
	Name    string             `json:"name"`
	Seasons map[string]float64 `json:"seasons"`
}

func (r *Room) applyRoomAdded(e RoomAdded) {
	r.Name = e.Name
	r.Stays = map[string]*Stay{}
	r.Seasons = maps.Clone(e.Seasons)
	if r.Seasons == nil {
		r.Seasons = map[string]float64{}
	}
	for month, rate := range seasons {
		r.Seasons[month.String()] = rate
	}
}

// Booked books nights.
//
//esgen:event aggregate=Room
type Booked struct {
	ID   string    `json:"id"`
	Stay Stay      `json:"stay"`
	At   time.Time `json:"at"`
}

func (r *Room) applyBooked(e Booked) {
	stay := e.Stay
	stay.Nights = slices.Clone(e.Stay.Nights)
	stay.Extras = nil
	for _, extra := range e.Stay.Extras {
		stay.add(extra)
	}
	r.Stays[e.ID] = &stay
	for _, night := range stay.Nights {
		r.Calendar.take(night, stay.Guest)
	}
	r.earn(stay.price())
}

// Cancelled cancels a stay.
//
//esgen:event aggregate=Room
type Cancelled struct {
	ID     string  `json:"id"`
	Refund float64 `json:"refund"`
}

func (r *Room) applyCancelled(e Cancelled) {
	stay, ok := r.Stays[e.ID]
	if !ok {
		return
	}
	for _, night := range stay.Nights {
		r.Calendar.free(night)
	}
	r.earn(-e.Refund)
	delete(r.Stays, e.ID)
}

// ExtraAdded adds an extra to a stay.
//
//esgen:event aggregate=Room
type ExtraAdded struct {
	ID    string `json:"id"`
	Extra string `json:"extra"`
}

func (r *Room) applyExtraAdded(e ExtraAdded) {
	if stay := r.Stays[e.ID]; stay != nil {
		stay.add(strings.ToLower(e.Extra))
	}
}

// RoomClosed closes a room.
//
//esgen:event aggregate=Room
type RoomClosed struct {
	From time.Time `json:"from"`
}

func (r *Room) applyRoomClosed(e RoomClosed) {
	r.Closed = true
	r.Cleaned = time.Unix(e.From.Unix(), 0).UTC()
	type kept struct {
		id   string
		stay *Stay
	}
	var all []kept
	for id, stay := range r.Stays {
		all = append(all, kept{id, stay})
	}
	slices.SortFunc(all, func(x, y kept) int { return cmp.Compare(x.id, y.id) })
	for _, k := range all {
		r.Notes = append(r.Notes, fmt.Sprintf("%s: %v", k.id, k.stay.Extras))
	}
}

func (r *Room) earn(amount float64) { r.Revenue += amount }

// What a room refuses.
var (
	ErrTaken  = errors.New("the room is taken")
	ErrClosed = errors.New("the room is closed")
)

// Add adds the room.
func (r *Room) Add(name string, seasons map[string]float64) error {
	own := make(map[string]float64, len(seasons))
	for season, rate := range seasons {
		own[strings.ToLower(season)] = rate
	}
	r.recordRoomAdded(RoomAdded{Name: name, Seasons: own})
	return nil
}

// Book books nights for a guest.
func (r *Room) Book(id, guest string, nights []Night, extras ...string) error {
	r.lookups.Add(1)
	if r.Closed {
		return ErrClosed
	}
	if !r.Calendar.isFree(nights) {
		return ErrTaken
	}
	stay := Stay{Guest: guest, Rate: r.rate(nights)}
	stay.Nights = append(stay.Nights, nights...)
	for _, extra := range extras {
		stay.add(extra)
	}
	slices.Sort(stay.Nights)
	r.recordBooked(Booked{ID: id, Stay: stay, At: time.Now()})
	booked.Add(1)
	stay = Stay{Guest: guest}
	stay.Nights = []Night{"extra"}
	stay.Nights[0] = "none"
	return nil
}

func (r *Room) rate(nights []Night) float64 {
	best := 1.0
	for _, night := range nights {
		if t, err := time.Parse(time.DateOnly, string(night)); err == nil {
			best = max(best, r.Seasons[t.Month().String()])
		}
	}
	return best
}

// BookMany books each of the requests, as long as the room is free.
func (r *Room) BookMany(requests map[string][]Night) (refused []string) {
	for id, nights := range requests {
		own := slices.Clone(nights)
		for i := range own {
			own[i] = Night(strings.TrimSpace(string(own[i])))
		}
		if !r.Calendar.isFree(own) {
			refused = append(refused, id)
			continue
		}
		r.recordBooked(Booked{ID: id, Stay: Stay{Guest: id, Nights: own}})
	}
	return refused
}

// Cancel cancels a stay.
func (r *Room) Cancel(id string, now time.Time) error {
	stay, ok := r.Stays[id]
	if !ok {
		return fmt.Errorf("cancelling %s: there is no such stay", id)
	}
	copied := *stay
	copied.Rate /= 2
	e := Cancelled{ID: id, Refund: copied.price()}
	if now.Weekday() == time.Sunday {
		e.Refund = 0
	}
	r.recordCancelled(e)
	return nil
}

// Extra adds an extra.
func (r *Room) Extra(id, extra string) error {
	r.recordExtraAdded(ExtraAdded{ID: id, Extra: extra})
	return nil
}

// Close closes the room.
func (r *Room) Close(from time.Time) {
	if !r.Closed {
		r.recordRoomClosed(RoomClosed{From: from})
	}
}

// Guest collects points.
//
//esgen:aggregate
type Guest struct {
	aggregate.Root
	Points map[string]int
	Level  int
	Stays  []string
}

// PointsEarned adds points.
//
//esgen:event aggregate=Guest
type PointsEarned struct {
	Stay   string         `json:"stay"`
	Points map[string]int `json:"points"`
}

func (g *Guest) applyPointsEarned(e PointsEarned) {
	if g.Points == nil {
		g.Points = map[string]int{}
	}
	sum, most := 0, 0
	for kind, n := range e.Points {
		g.Points[kind] += n
		sum += n
		most = max(most, n)
	}
	g.Level = level(sum + most)
	g.Stays = append(g.Stays, e.Stay)
}

// GuestSeen is written out by hand nowhere.
//
//esgen:event aggregate=Guest apply=assign
type GuestSeen struct {
	Level int `json:"level"`
}

func level(points int) int {
	switch {
	case points > 1000:
		return 2
	case points > 100:
		return 1
	}
	return 0
}

// Earn adds points for a stay.
func (g *Guest) Earn(stay string, points map[string]int) error {
	g.recordPointsEarned(PointsEarned{Stay: stay, Points: maps.Clone(points)})
	g.recordGuestSeen(GuestSeen{Level: g.Level})
	return nil
}
