// Package kafka publishes the events of a store to Kafka: a transactional outbox without the outbox table, since
// the event store is one. A [Publisher] is the handler of a subscription, which is the relay:
//
//	publisher, err := kafka.NewPublisher("https://bank.example/ledger",
//		[]kgo.Opt{kgo.SeedBrokers("localhost:9092")}, kafka.TopicPerCategory("bank."))
//	…
//	defer publisher.Close()
//	relay, err := subscription.New(store, "kafka", publisher, subscription.Group(32), subscription.Park(100))
//	…
//	err = relay.Run(ctx) // until the context ends
//
// So the relay's filters, groups, checkpoints, retries, parking and status are the subscription's.
//
// # What is promised
//
// Every event is published at least once: the checkpoint moves when all replicas in sync have acknowledged what lies before
// it. After a crash, what was published since the last checkpoint is published again, the same but for the
// record's timestamp.
//
// The record's key is the stream. An event is given to Kafka when all earlier ones of its stream are acknowledged or
// stand before it in the same record batch, which the broker takes or refuses whole. So whatever fails and is repeated, by
// this process or by another that took over, the first occurrences of a stream's events are in the stream's order. A consumer
// that remembers the highest version of each key ("ce_streamversion"), and passes over what is not above it,
// handles each event once and in order.
//
// That needs a topic whose number of partitions doesn't change: else Kafka itself maps keys to other partitions.
//
// # What is published
//
// Each record is a CloudEvent 1.0 in the binary mode of its Kafka binding: the value is the event's data as it was stored,
// byte for byte, and headers say the rest; see [Publisher.Record]. [Parse] turns a record back into an event, which a generated
// Decode brings to its latest version.
//
// # Failures
//
// Short troubles of the cluster are the client's business and are not noticed. When nothing was acknowledged for a
// while ([Timeout]), or the cluster refuses for a reason that is not the event's, such as a topic that doesn't exist or a missing
// permission, the relay says so in its status and its log, and tries on until it succeeds. When the cluster refuses an
// event for what it is, above all because it is too large, the subscription's policy decides: it stops, or parks the stream.
package kafka
