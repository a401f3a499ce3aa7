package kafka

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/esgen-go/esgen/es"
)

type options struct {
	topic   func(es.Stream) string
	schema  func(es.Recorded) string             // nil: there are none
	headers func(es.Recorded) []kgo.RecordHeader // nil: there are none
	timeout time.Duration
}

// Option changes how a [Publisher] works.
type Option func(*options)

func defaults() options {
	return options{topic: func(s es.Stream) string { return s.Category }, timeout: 30 * time.Second}
}

func (o *options) validate() error {
	switch {
	case o.topic == nil:
		return errors.New("option TopicBy is nil")
	case o.timeout <= 0:
		return fmt.Errorf("option Timeout is %v: it must be above 0", o.timeout)
	}
	return nil
}

// Topic publishes everything to one topic. Then events of all streams on one partition are in the order of the feed,
// as far as one process publishes them and none is parked.
func Topic(name string) Option { return TopicBy(func(es.Stream) string { return name }) }

// TopicPerCategory publishes each category to a topic of its own: the prefix and the category's name. The default is
// one without a prefix.
func TopicPerCategory(prefix string) Option {
	return TopicBy(func(s es.Stream) string { return prefix + s.Category })
}

// TopicBy publishes each stream to the topic that a function says. It must always say the same for a
// stream: nothing orders one topic's records with another's.
func TopicBy(topic func(es.Stream) string) Option { return func(o *options) { o.topic = topic } }

// DataSchema sets the attribute dataschema to the URI that a function says. "" leaves it out.
func DataSchema(uri func(es.Recorded) string) Option { return func(o *options) { o.schema = uri } }

// Catalogue is a [DataSchema] for the schemas that esgen docs writes: base is what their $id begins with, as in its flag
// -id. It makes base/account/account.opened.v2.json of version 2 of account.opened. Names of events that
// are not all lower-case letters, digits, '.', '_' and '-' have other files: their dataschema is left out.
func Catalogue(base string) Option {
	base = strings.TrimSuffix(base, "/")
	return DataSchema(func(rec es.Recorded) string {
		plain := rec.Type[0] != '.' && !strings.ContainsFunc(rec.Type, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-'
		})
		if !plain {
			return ""
		}
		return fmt.Sprintf("%s/%s/%s.v%d.json", base, rec.Stream.Category, rec.Type, rec.Schema)
	})
}

// Headers adds headers to each record, such as some of the event's Meta.Keys, which are not published otherwise. A
// name that begins with "ce_" is an extension attribute: lower-case letters and digits, and a text without control characters.
func Headers(more func(es.Recorded) []kgo.RecordHeader) Option {
	return func(o *options) { o.headers = more }
}

// Timeout sets how long to wait for Kafka's acknowledgement of up to a record batch for each partition, retries of the client
// included. Then the connections are given up and the same events are tried anew, which may publish them twice. Until
// then the relay's status knows of no failure. The default is 30 seconds.
func Timeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// validateSource reports whether a text is a CloudEvents source.
func validateSource(source string) error {
	if source == "" {
		return errors.New("the source is empty: give a URI that names this store, such as https://bank.example/ledger")
	}
	if _, err := url.Parse(source); err != nil {
		return fmt.Errorf("the source is no URI reference: %w", err)
	}
	return nil
}
