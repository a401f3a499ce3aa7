package compat

import (
	"maps"
	"slices"
)

// Rule names a kind of change. Names are stable: exceptions and tools refer to them.
type Rule string

// The rules for the fields of an event.
const (
	FieldAdded           Rule = "EVENT_FIELD_ADDED"
	FieldAddedRequired   Rule = "EVENT_FIELD_ADDED_REQUIRED"
	FieldRemoved         Rule = "EVENT_FIELD_REMOVED"
	FieldRenamed         Rule = "EVENT_FIELD_RENAMED"
	FieldRenamedSilently Rule = "EVENT_FIELD_RENAMED_SILENTLY"
	FieldMoved           Rule = "EVENT_FIELD_MOVED"
	FieldExchanged       Rule = "EVENT_FIELD_EXCHANGED"
	FieldNameReused      Rule = "EVENT_FIELD_NAME_REUSED"
	FieldWasDropped      Rule = "EVENT_FIELD_WAS_DROPPED"
	FieldAmbiguous       Rule = "EVENT_FIELD_AMBIGUOUS"
	FieldOptional        Rule = "EVENT_FIELD_OPTIONAL"
	FieldRequired        Rule = "EVENT_FIELD_REQUIRED"
	DefaultChanged       Rule = "EVENT_FIELD_DEFAULT_CHANGED"
	AbsenceChanged       Rule = "EVENT_FIELD_ABSENCE_CHANGED"
	Widened              Rule = "EVENT_FIELD_WIDENED"
	Narrowed             Rule = "EVENT_FIELD_NARROWED"
	SignChanged          Rule = "EVENT_FIELD_SIGN_CHANGED"
	Inexact              Rule = "EVENT_FIELD_INEXACT"
	Unvalidated          Rule = "EVENT_FIELD_UNVALIDATED"
	TypeChanged          Rule = "EVENT_FIELD_TYPE_CHANGED"
	CodecChanged         Rule = "EVENT_FIELD_CODEC_CHANGED"
	ArrayLengthChanged   Rule = "EVENT_FIELD_ARRAY_LENGTH_CHANGED"
	MapKeyChanged        Rule = "EVENT_FIELD_MAP_KEY_CHANGED"
	ElementOptional      Rule = "EVENT_ELEMENT_OPTIONAL"
	ElementRequired      Rule = "EVENT_ELEMENT_REQUIRED"
	EnumIntroduced       Rule = "EVENT_ENUM_INTRODUCED"
	EnumOpened           Rule = "EVENT_ENUM_OPENED"
	EnumValueAdded       Rule = "EVENT_ENUM_VALUE_ADDED"
	EnumValueRemoved     Rule = "EVENT_ENUM_VALUE_REMOVED"
	EnumValueRenumbered  Rule = "EVENT_ENUM_VALUE_RENUMBERED"
)

// The rules for whole events.
const (
	EventAdded          Rule = "EVENT_ADDED"
	EventRemoved        Rule = "EVENT_REMOVED"
	EventMoved          Rule = "EVENT_MOVED"
	EventDropped        Rule = "EVENT_DROPPED"
	EventUpcast         Rule = "EVENT_UPCAST"
	EventRetired        Rule = "EVENT_RETIRED"
	EventRestored       Rule = "EVENT_RESTORED"
	UpcasterRemoved     Rule = "EVENT_UPCASTER_REMOVED"
	EventExchanged      Rule = "EVENT_EXCHANGED"
	EventGoRenamed      Rule = "EVENT_GO_RENAMED"
	EventVersionAdded   Rule = "EVENT_VERSION_ADDED"
	EventVersionRemoved Rule = "EVENT_VERSION_REMOVED"
	EventAllowUnused    Rule = "EVENT_ALLOW_UNUSED"
)

// rule is what is known of one.
type rule struct {
	verdict Verdict
	// means says what becomes of stored events.
	means string
}

var rules = map[Rule]rule{
	EventAdded:          {Safe, "nothing is stored of it"},
	EventRemoved:        {NeedsUpcaster, "streams that hold it could not be loaded any more"},
	EventMoved:          {NeedsUpcaster, "the streams that hold it belong to another aggregate, which could not be loaded any more"},
	EventDropped:        {Safe, "stored ones are skipped"},
	EventUpcast:         {Safe, "stored ones are brought to other events"},
	EventRetired:        {Safe, "stored ones are read and applied, and no new ones recorded"},
	EventRestored:       {Safe, "stored ones, which were skipped or brought to other events, are read and applied again"},
	UpcasterRemoved:     {NeedsUpcaster, "what it made of stored events would be lost"},
	EventExchanged:      {NeedsUpcaster, "the names of two events have been exchanged, and the one would be read as the other"},
	EventGoRenamed:      {Safe, "its stored name is the same"},
	EventVersionAdded:   {Safe, "older versions are upcast to it"},
	EventAllowUnused:    {Safe, "it allows nothing: no such change has been made since, or it is released"},
	EventVersionRemoved: {NeedsUpcaster, "stored events of that version could not be read any more"},

	FieldAdded:           {Safe, "a stored event without it has its default or zero value"},
	FieldAddedRequired:   {NeedsUpcaster, "stored events don't have it, and would be refused"},
	FieldRemoved:         {Safe, "what stored events have of it is skipped; its name is reserved"},
	FieldRenamed:         {Safe, "stored events are read under its old name too"},
	FieldRenamedSilently: {NeedsUpcaster, "what is stored under the old name would be skipped"},
	FieldMoved:           {NeedsUpcaster, "what is stored at the old place would be skipped"},
	FieldExchanged:       {NeedsUpcaster, "the tags of two fields have been exchanged, and the one would be read as the other"},
	FieldNameReused:      {NeedsVersion, "stored events may have another field under that name, which would be taken for this one"},
	FieldWasDropped:      {NeedsVersion, "what is stored under the name before the last would be skipped"},
	FieldAmbiguous:       {NeedsUpcaster, "stored events may have it under both names, and would be refused"},
	FieldOptional:        {Safe, "stored events have it"},
	FieldRequired:        {NeedsUpcaster, "stored events that lack it would be refused"},
	DefaultChanged:       {NeedsVersion, "stored events that lack it would be read as another value than before"},
	AbsenceChanged:       {NeedsUpcaster, "stored events that lack it would be read as another value than before"},
	Widened:              {Safe, "every stored value is one of the new type"},
	Narrowed:             {NeedsUpcaster, "stored values may be out of range, and would be refused"},
	SignChanged:          {NeedsUpcaster, "stored values may be out of range, and would be refused"},
	Inexact:              {NeedsUpcaster, "stored values may lose their last digits"},
	Unvalidated:          {NeedsUpcaster, "stored strings may not have the form, and would be refused"},
	TypeChanged:          {NeedsUpcaster, "stored values are not of the new type, and would be refused or misread"},
	CodecChanged:         {NeedsUpcaster, "nothing says whether the new type reads what the old one wrote"},
	ArrayLengthChanged:   {NeedsUpcaster, "stored arrays have another length, and would be refused"},
	MapKeyChanged:        {NeedsUpcaster, "stored names may not be keys of the new type"},
	ElementOptional:      {Safe, "no stored element is null"},
	ElementRequired:      {NeedsUpcaster, "stored elements that are null would be refused"},
	EnumIntroduced:       {Safe, "stored strings that are no declared value are read as they are"},
	EnumOpened:           {Safe, "every stored value is one of the new type"},
	EnumValueAdded:       {Safe, "no stored event has it"},
	EnumValueRemoved:     {NeedsUpcaster, "stored events may have it, and the code no longer knows it"},
	EnumValueRenumbered:  {NeedsUpcaster, "the value that is stored belongs to another constant now, for which it would be taken"},
}

// Verdict returns what a change of this kind asks for.
func (r Rule) Verdict() Verdict { return rules[r].verdict }

// All returns the rules, sorted by name.
func All() []Rule { return slices.Sorted(maps.Keys(rules)) }

// Means says what the change does to stored events, without the remedy.
func (r Rule) Means() string { return rules[r].means }
