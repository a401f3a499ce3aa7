package docs

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/catalog"
)

// asyncAPI returns an AsyncAPI 3.0 document: a channel an aggregate, whose addresses are its
// streams; a message an event version, with the schema beside it as its payload; and what an
// application does, which is to send the latest versions.
func asyncAPI(c *catalog.Catalog) []byte {
	channels, operations, messages := object{}, object{}, object{}
	for _, a := range c.Aggregates {
		channel, operation := channel(a)
		channels.add(a.Category, channel)
		if operation != nil {
			operations.add("record-"+a.Category, operation)
		}
		for _, e := range a.Events {
			for _, v := range e.Versions {
				messages.add(messageKey(v), message(a, v))
			}
		}
	}
	return document(object{
		{"asyncapi", "3.0.0"},
		{"x-comment", header},
		{"info", object{
			{"title", "Events of " + c.Module},
			{"version", "1.0.0"},
			{"description", "Each message has a schema version of its own, which its name ends with: this document's version doesn't change. " +
				"Old versions are stored and still read; only the latest are sent."},
		}},
		{"defaultContentType", "application/json"},
		{"channels", channels},
		{"operations", operations},
		{"components", object{
			{"messages", messages},
			{"messageTraits", object{{"recorded", recorded()}}},
		}},
	})
}

// channel returns an aggregate's channel, and the operation of recording to it if any event still is.
func channel(a *catalog.Aggregate) (channel, operation object) {
	messages, sent := object{}, []object{}
	for _, e := range a.Events {
		for _, v := range e.Versions {
			messages.add(messageKey(v), ref("#/components/messages/"+messageKey(v)))
		}
		if !e.Retired() {
			sent = append(sent, ref("#/channels/"+a.Category+"/messages/"+messageKey(e.Last())))
		}
	}
	channel = object{{"address", a.Category + "-{id}"}, {"title", a.Go}}
	channel.addText("description", plain(a.Doc))
	channel.add("messages", messages)
	channel.add("parameters", object{{"id", object{{"description", "The aggregate's id: with the category it names the stream."}}}})
	if len(sent) > 0 {
		operation = object{{"action", "send"}, {"channel", ref("#/channels/" + a.Category)}, {"summary", "Record an event of " + a.Go + "."}, {"messages", sent}}
	}
	return channel, operation
}

func ref(to string) object { return object{{"$ref", to}} }

// messageKey returns the name of a version's message, made of what AsyncAPI allows. What had to be
// replaced is told apart by a hash of the whole name.
func messageKey(v *catalog.Version) string {
	key := strings.NewReplacer("/", "_", ":", "_").Replace(v.Event.Name)
	if key != v.Event.Name {
		sum := sha256.Sum256([]byte(v.Event.Name))
		key += fmt.Sprintf("-%x", sum[:4])
	}
	return fmt.Sprintf("%s.v%d", key, v.Schema)
}

func message(a *catalog.Aggregate, v *catalog.Version) object {
	o := object{{"name", v.Event.Name}, {"title", v.String()}}
	o.addText("summary", synopsis(v.Doc))
	o.addText("description", plain(v.Doc))
	o.add("contentType", "application/json")
	o.add("traits", []object{ref("#/components/messageTraits/recorded")})
	o.add("payload", ref("./"+a.Category+"/"+reference(schemaFile(v))))
	if v.Next != nil {
		o.add("tags", []object{{{"name", "old"}, {"description", becomes(v)}}})
	}
	return o
}

// recorded describes what is stored with each event.
func recorded() object {
	text := func(description string) object { return object{{"type", "string"}, {"description", description}} }
	id := func(description string) object {
		return object{{"type", "string"}, {"format", "uuid"}, {"description", description}}
	}
	number := func(description string) object {
		return object{{"type", "integer"}, {"minimum", 1}, {"description", description}}
	}
	return object{
		{"headers", object{
			{"type", "object"},
			{"properties", object{
				{"id", id("The event's own id: the same after a retry.")},
				{"type", text("The stored name.")},
				{"schema", number("The schema version of the payload.")},
				{"version", number("The place in the stream, without gaps.")},
				{"position", number("The place in the whole store, with gaps.")},
				{"recorded_at", object{{"type", "string"}, {"format", "date-time"}, {"description", "The store's clock, in UTC."}}},
				{"correlation_id", text("The conversation that the event belongs to.")},
				{"causation_id", text("The message that caused it.")},
				{"actor", text("Who did it.")},
				{"tenant", text("A label.")},
				{"keys", object{{"type", "object"}, {"additionalProperties", object{{"type", "string"}}}, {"description", "The application's own."}}},
			}},
			{"required", []string{"id", "type", "schema", "version", "position", "recorded_at"}},
		}},
		{"correlationId", object{{"location", "$message.header#/correlation_id"}}},
	}
}
