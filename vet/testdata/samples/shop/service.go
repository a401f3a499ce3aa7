package shop

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/repository"
)

// Service takes orders.
type Service struct {
	store  es.Store
	orders *repository.Repository[Order]
	placed int
}

// NewService returns a service on a store.
func NewService(store es.Store) *Service {
	return &Service{store: store, orders: NewOrderRepository(store, repository.SnapshotEvery(50))}
}

// Place places an order under a new id.
func (s *Service) Place(ctx context.Context, email string, lines []Line, ship Address) (string, error) {
	id := fmt.Sprintf("%d-%d", time.Now().UnixNano(), rand.IntN(1000))
	err := s.orders.Create(ctx, id, func(o *Order) error {
		o.Use(nil)
		return o.Place(email, lines, ship, time.Now())
	})
	if err != nil {
		return "", fmt.Errorf("placing an order of %s: %w", email, err)
	}
	s.placed++
	return id, nil
}

// Pay marks orders as paid, as many as it can.
func (s *Service) Pay(ctx context.Context, ids ...string) error {
	for _, id := range ids {
		if err := s.orders.Update(ctx, id, func(o *Order) error { return o.Advance(Paid) }); err != nil {
			return err
		}
	}
	return nil
}

// Rename changes nothing but its copy.
func (s *Service) Preview(ctx context.Context, id string) (Order, error) {
	o, err := s.orders.Load(ctx, id)
	if err != nil {
		return Order{}, err
	}
	preview := *o
	preview.Email = "hidden"
	return preview, nil
}

// Audit counts the events of an order.
func (s *Service) Audit(ctx context.Context, id string) error {
	counts := map[string]int{}
	for rec, err := range s.store.Read(ctx, es.ReadQuery{Stream: es.Stream{Category: "order", ID: id}}) {
		if err != nil {
			return err
		}
		events, err := DecodeOrder(rec)
		if err != nil {
			return err
		}
		for _, event := range events {
			switch e := event.(type) {
			case OrderPlaced:
				counts[e.Email]++
			case QuantityChanged, StatusChanged:
				counts["changes"]++
			}
			if placed, ok := event.(OrderPlaced); ok {
				log.Print(placed.Email)
			}
		}
	}
	log.Print(counts)
	return nil
}
