package kafka

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/esgen-go/esgen/es"
)

// The headers of a record: the attributes of CloudEvents 1.0, then extensions.
const (
	headerContentType   = "content-type" // the binding's name of datacontenttype
	headerSpecVersion   = "ce_specversion"
	headerID            = "ce_id"
	headerSource        = "ce_source"
	headerType          = "ce_type"
	headerSubject       = "ce_subject"
	headerTime          = "ce_time"
	headerDataSchema    = "ce_dataschema"
	headerSchemaVersion = "ce_schemaversion"
	headerStreamVersion = "ce_streamversion"
	headerPosition      = "ce_position"
	headerCorrelationID = "ce_correlationid"
	headerCausationID   = "ce_causationid"
	headerActor         = "ce_actor"
	headerTenant        = "ce_tenant"
)

var (
	json        = []byte("application/json")
	specVersion = []byte("1.0")
)

// Record returns the record that an event is published as, in the binary mode of CloudEvents' Kafka binding. The key
// is the stream, such as account-0192, and the value is the event's data. The headers are
//
//	content-type       application/json
//	ce_specversion     1.0
//	ce_id              the event's id
//	ce_source          the publisher's source
//	ce_type            the event's type, such as account.opened
//	ce_subject         the stream
//	ce_time            when the event was recorded, RFC 3339
//	ce_dataschema      the URI of the data's schema: see [DataSchema]
//	ce_schemaversion   the version of the event's type, from 1
//	ce_streamversion   the event's version in its stream, from 1
//	ce_position        the event's position in the store
//	ce_correlationid   of the event's metadata, as the following; left out if empty
//	ce_causationid
//	ce_actor
//	ce_tenant
//
// and those of [Headers]. Metadata is published as it is: that CloudEvents allows no control characters there is for those who
// write it to respect. The record's timestamp is the time of publishing, so that Kafka keeps an old event that is published today as long
// as a new one.
func (p *Publisher) Record(rec es.Recorded) *kgo.Record {
	stream := []byte(rec.Stream.String())
	headers := make([]kgo.RecordHeader, 0, 16)
	add := func(key string, value []byte) { headers = append(headers, kgo.RecordHeader{Key: key, Value: value}) }
	add(headerContentType, json)
	add(headerSpecVersion, specVersion)
	add(headerID, []byte(rec.ID.String()))
	add(headerSource, p.source)
	add(headerType, []byte(rec.Type))
	add(headerSubject, stream)
	add(headerTime, rec.RecordedAt.UTC().AppendFormat(nil, time.RFC3339Nano))
	if p.schema != nil {
		if uri := p.schema(rec); uri != "" {
			add(headerDataSchema, []byte(uri))
		}
	}
	add(headerSchemaVersion, strconv.AppendInt(nil, int64(rec.Schema), 10))
	add(headerStreamVersion, strconv.AppendInt(nil, int64(rec.Version), 10))
	add(headerPosition, strconv.AppendInt(nil, int64(rec.Position), 10))
	for _, meta := range [...]struct{ key, value string }{
		{headerCorrelationID, rec.Meta.CorrelationID},
		{headerCausationID, rec.Meta.CausationID},
		{headerActor, rec.Meta.Actor},
		{headerTenant, rec.Meta.Tenant},
	} {
		if meta.value != "" {
			add(meta.key, []byte(meta.value))
		}
	}
	if p.headers != nil {
		headers = append(headers, p.headers(rec)...)
	}
	return &kgo.Record{Topic: p.topic(rec.Stream), Key: stream, Value: rec.Data, Headers: headers}
}

// ErrNoEvent: a record is none that a [Publisher] makes. [Parse] wraps it.
var ErrNoEvent = errors.New("the record holds no event of a store")

// Parse returns the event that a record of a [Publisher] holds, but for the Keys of its metadata. Give it to a generated
// Decode, which brings it to the latest version. The data is the record's value, not a copy. The error matches [ErrNoEvent].
func Parse(record *kgo.Record) (es.Recorded, error) {
	rec := es.Recorded{Event: es.Event{Data: record.Value}}
	found := map[string]bool{}
	for _, h := range record.Headers {
		if found[h.Key] {
			continue // added by Headers
		}
		found[h.Key] = true
		value, err := string(h.Value), error(nil)
		switch h.Key {
		case headerSpecVersion:
			if !strings.HasPrefix(value, "1.") {
				err = errors.New("only versions 1.x are known")
			}
		case headerID:
			rec.ID, err = uuid.Parse(value)
		case headerType:
			rec.Type = value
		case headerSubject:
			rec.Stream, err = es.ParseStream(value)
		case headerTime:
			rec.RecordedAt, err = time.Parse(time.RFC3339Nano, value)
		case headerSchemaVersion:
			err = parseCount(&rec.Schema, value)
		case headerStreamVersion:
			err = parseCount(&rec.Version, value)
		case headerPosition:
			err = parseCount(&rec.Position, value)
		case headerCorrelationID:
			rec.Meta.CorrelationID = value
		case headerCausationID:
			rec.Meta.CausationID = value
		case headerActor:
			rec.Meta.Actor = value
		case headerTenant:
			rec.Meta.Tenant = value
		}
		if err != nil {
			return es.Recorded{}, fmt.Errorf("reading the record at offset %d of %s/%d: header %s is %.80q: %w: %w",
				record.Offset, record.Topic, record.Partition, h.Key, value, err, ErrNoEvent)
		}
	}
	for _, key := range [...]string{headerSpecVersion, headerID, headerType, headerSubject, headerTime, headerSchemaVersion, headerStreamVersion, headerPosition} {
		if !found[key] {
			return es.Recorded{}, fmt.Errorf("reading the record at offset %d of %s/%d: header %s is missing: %w",
				record.Offset, record.Topic, record.Partition, key, ErrNoEvent)
		}
	}
	return rec, nil
}

// parseCount reads a number from 1.
func parseCount[N ~int | ~int64](to *N, text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	*to = N(n)
	if err == nil && n < 1 || int64(*to) != n {
		err = errors.New("it is out of range")
	}
	return err
}

// size returns at least what a record takes in a record batch.
func size(r *kgo.Record) int {
	const perRecord, perHeader = 40, 10 // the longest lengths, and the deltas of time and offset
	n := perRecord + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += perHeader + len(h.Key) + len(h.Value)
	}
	return n
}
