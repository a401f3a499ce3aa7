package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/subscription"
)

// Publisher publishes events to Kafka. It is a [subscription.Handler], and safe for use by several subscriptions, which then take
// turns: give each its own where that matters.
type Publisher struct {
	options
	source []byte
	config []kgo.Opt
	limit  func(topic string) int32 // how many bytes a record batch holds

	turn   chan struct{} // holds a token while events are published; guards what follows
	closed bool
	client *kgo.Client     // nil: the last one was given up
	known  map[string]bool // topics that the client has published to
	acked  acknowledged
	broker lastError
}

// ErrClosed: the publisher was closed.
var ErrClosed = errors.New("the publisher is closed")

// NewPublisher returns a publisher that makes its client of options for franz-go: at least [kgo.SeedBrokers], usually
// what a secured cluster needs ([kgo.DialTLS], [kgo.SASL]), and a logger. source is the CloudEvents source of all
// events: a URI that names the store, such as https://bank.example/ledger.
//
// It takes options and no client, since it makes a new client when one has failed, and since its promise of
// order needs some options: the idempotent producer, acknowledgement by all replicas in sync (both are franz-go's
// defaults, and options that say otherwise are refused), manual flushing and unbounded buffers (which it sets; it bounds
// them itself). No connection is made before the first event.
func NewPublisher(source string, client []kgo.Opt, opts ...Option) (*Publisher, error) {
	p := &Publisher{options: defaults(), source: []byte(source), turn: make(chan struct{}, 1), known: map[string]bool{}}
	for _, opt := range opts {
		opt(&p.options)
	}
	p.config = append([]kgo.Opt{kgo.SoftwareNameAndVersion("esgen", "1")}, client...)
	p.config = append(p.config, kgo.ManualFlushing(), kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(math.MaxInt), kgo.MaxBufferedBytes(math.MaxInt), kgo.WithHooks(&p.broker))
	err := validateSource(source)
	if err == nil {
		err = p.options.validate()
	}
	if err == nil {
		err = p.connect()
	}
	if err == nil {
		err = p.checkClient()
	}
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("publisher to Kafka: %w", err)
	}
	p.limit = p.client.OptValue(kgo.ProducerBatchMaxBytesFn).(func(string) int32)
	return p, nil
}

func (p *Publisher) connect() (err error) {
	p.client, err = kgo.NewClient(p.config...)
	return err
}

// checkClient refuses options that the promises don't allow.
func (p *Publisher) checkClient() error {
	switch {
	case p.client.OptValue(kgo.DisableIdempotentWrite) == true:
		return errors.New("kgo.DisableIdempotentWrite: without it, a retry may reorder events")
	case p.client.OptValue(kgo.RequiredAcks) != kgo.AllISRAcks():
		return errors.New("kgo.RequiredAcks: what not all replicas in sync have acknowledged can be lost")
	case p.client.OptValue(kgo.TransactionalID) != "":
		return errors.New("kgo.TransactionalID: events are not published in transactions")
	}
	return nil
}

// Close closes the client. Call it when the subscriptions that use the publisher have returned.
func (p *Publisher) Close() {
	p.turn <- struct{}{}
	defer p.give()
	p.closed = true
	p.giveUp()
}

func (p *Publisher) give() { <-p.turn }

// giveUp closes the client. All that is under way fails, as far as the client knows.
func (p *Publisher) giveUp() {
	if p.client != nil {
		p.client.Close()
		p.client, p.known = nil, map[string]bool{}
	}
}

// Handle publishes events and returns when Kafka has acknowledged them all. It implements [subscription.Handler].
func (p *Publisher) Handle(ctx context.Context, events []es.Recorded) error {
	select {
	case p.turn <- struct{}{}:
		defer p.give()
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.closed {
		return ErrClosed
	}
	events = p.acked.without(events)
	for done := 0; done < len(events); {
		round := p.round(events[done:])
		errs, err := p.send(ctx, round)
		if err != nil {
			p.acked.note(events[:done], make([]error, done))
			p.acked.note(events[done:], errs)
			return err
		}
		done += len(round)
	}
	return nil
}

// round makes records of the first events: as many as fit into one record batch for each topic, so that no
// partition gets two at once. A topic that the client doesn't know yet gets a single record first, since the
// client cuts batches as it likes while it looks for the topic's partitions.
func (p *Publisher) round(events []es.Recorded) []*kgo.Record {
	const batchOverhead = 128 // at least what a record batch takes without records
	records := make([]*kgo.Record, 0, len(events))
	sizes := map[string]int{}
	for _, rec := range events {
		r := p.Record(rec)
		had, seen := sizes[r.Topic]
		if !seen {
			had = batchOverhead
		}
		sizes[r.Topic] = had + size(r)
		// One that is too large for any batch goes alone: it is refused, and nothing overtakes it.
		if seen && !p.known[r.Topic] || len(records) > 0 && sizes[r.Topic] > int(p.limit(r.Topic)) {
			break
		}
		records = append(records, r)
	}
	return records
}

// send publishes records and waits for the answers, one for each. Whatever fails, the client is given up: a new one
// has no doubts about what the old one has sent.
func (p *Publisher) send(ctx context.Context, records []*kgo.Record) (errs []error, err error) {
	if p.client == nil {
		if err := p.connect(); err != nil {
			return nil, err
		}
	}
	errs = make([]error, len(records))
	var answers sync.WaitGroup
	var failed atomic.Bool
	answers.Add(len(records))
	for i, r := range records {
		p.client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
			if errs[i] = err; err != nil {
				failed.Store(true)
			}
			answers.Done()
		})
	}
	waiting, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if !failed.Load() {
		err = p.client.Flush(waiting)
	}
	if err != nil || failed.Load() {
		p.giveUp()
	}
	answers.Wait()
	switch {
	case ctx.Err() != nil && err != nil:
		return errs, fmt.Errorf("publishing %d events: %w", len(records), ctx.Err())
	case err != nil:
		return errs, subscription.Passing(fmt.Errorf("publishing %d events: Kafka has not acknowledged them within %v; its brokers' last error: %w",
			len(records), p.timeout, p.broker.get()))
	}
	if err := p.failure(records, errs); err != nil {
		p.giveUp()
		return errs, err
	}
	for _, r := range records {
		p.known[r.Topic] = true
	}
	return errs, nil
}

// failure makes one error of those that records have failed with: that of the first, unless another is the event's own.
func (p *Publisher) failure(records []*kgo.Record, errs []error) error {
	var first error
	for i, err := range errs {
		switch {
		case err == nil:
		case records[i].Topic == "":
			return fmt.Errorf("publishing %s: the option TopicBy names no topic for it", records[i].Key)
		case errors.Is(err, kerr.MessageTooLarge):
			return fmt.Errorf("publishing to topic %s: a record of about %d bytes: %w: kgo.ProducerBatchMaxBytes and the topic's max.message.bytes say what is taken: %w",
				records[i].Topic, size(records[i]), es.ErrTooLarge, err)
		case errors.Is(err, kerr.InvalidRecord), errors.Is(err, kerr.InvalidTopicException), errors.Is(err, kerr.RecordListTooLarge):
			return fmt.Errorf("publishing to topic %s: %w", records[i].Topic, err)
		case first == nil || errors.Is(first, kgo.ErrClientClosed):
			first = subscription.Passing(fmt.Errorf("publishing to topic %s: %w", records[i].Topic, err))
		}
	}
	return first
}

// acknowledged are the events of a batch that Kafka has, while others of it have failed. The subscription brings all again, perhaps
// one by one, and these are then passed over, each once.
type acknowledged struct {
	events map[place]bool
	last   es.Position // of them
}

type place struct {
	id       uuid.UUID
	position es.Position
}

// note adds the events whose error is nil. There may be fewer errors than events: the others were not sent.
func (a *acknowledged) note(events []es.Recorded, errs []error) {
	if a.events == nil {
		a.events = map[place]bool{}
	}
	for i, err := range errs {
		if err == nil {
			a.events[place{events[i].ID, events[i].Position}] = true
			a.last = max(a.last, events[i].Position)
		}
	}
}

// without leaves out what was noted. It forgets the rest when events come that lie beyond.
func (a *acknowledged) without(events []es.Recorded) []es.Recorded {
	if len(a.events) == 0 {
		return events
	}
	if len(events) > 0 && events[0].Position > a.last {
		*a = acknowledged{}
		return events
	}
	left := make([]es.Recorded, 0, len(events))
	for _, rec := range events {
		at := place{rec.ID, rec.Position}
		if !a.events[at] {
			left = append(left, rec)
		}
		delete(a.events, at)
	}
	return left
}

// lastError remembers the last error of a connection, as a hook of the client.
type lastError struct {
	mu  sync.Mutex
	err error
}

var errSilent = errors.New("none: they are reachable, and have not answered")

func (l *lastError) get() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		return errSilent
	}
	return l.err
}

// OnBrokerConnect implements [kgo.HookBrokerConnect].
func (l *lastError) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// OnBrokerE2E implements [kgo.HookBrokerE2E].
func (l *lastError) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e2e kgo.BrokerE2E) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = errors.Join(e2e.WriteErr, e2e.ReadErr)
}
