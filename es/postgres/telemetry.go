package postgres

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/esgen-go/esgen/es"
)

const scope = "github.com/esgen-go/esgen/es/postgres"

// telemetry makes the store's spans and metrics. What a single statement does, pgx's own tracers tell.
type telemetry struct {
	tracer  trace.Tracer
	appends metric.Float64Histogram
	flushes metric.Int64Histogram
	blocked metric.Int64Counter
}

// Whether a statement was sent by the shared lane, or apart from it.
var (
	shared = metric.WithAttributeSet(attribute.NewSet(attribute.Bool("apart", false)))
	apart  = metric.WithAttributeSet(attribute.NewSet(attribute.Bool("apart", true)))
)

func newTelemetry(o *options) (t telemetry, err error) {
	if o.tracerProvider == nil {
		o.tracerProvider = otel.GetTracerProvider()
	}
	if o.meterProvider == nil {
		o.meterProvider = otel.GetMeterProvider()
	}
	t.tracer = o.tracerProvider.Tracer(scope)
	meter := o.meterProvider.Meter(scope)
	var err1, err2, err3 error
	t.appends, err1 = meter.Float64Histogram("esgen.append.duration", metric.WithUnit("s"),
		metric.WithDescription("how long an append took its caller, by outcome"))
	t.flushes, err2 = meter.Int64Histogram("esgen.flush.appends", metric.WithUnit("{append}"),
		metric.WithDescription("how many appends shared a statement"))
	t.blocked, err3 = meter.Int64Counter("esgen.flush.blocked", metric.WithUnit("{flush}"),
		metric.WithDescription("how many shared statements met a stream that an open transaction holds"))
	return t, errors.Join(err1, err2, err3)
}

// started begins the span of an append; the returned function ends it.
func (t *telemetry) started(ctx context.Context, name string, r *request) (context.Context, func(es.Receipt, error)) {
	begin := time.Now()
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient))
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("db.system.name", "postgresql"),
			attribute.String("esgen.stream", r.writes[0].Stream.String()),
			attribute.Int("esgen.streams", len(r.writes)),
			attribute.Int("esgen.events", r.events),
		)
	}
	return ctx, func(receipt es.Receipt, err error) {
		outcome := outcomeOf(receipt, err)
		if t.appends.Enabled(ctx) {
			t.appends.Record(ctx, time.Since(begin).Seconds(), metric.WithAttributes(attribute.String("outcome", outcome)))
		}
		if span.IsRecording() {
			span.SetAttributes(attribute.String("esgen.outcome", outcome))
			if outcome == "error" {
				span.RecordError(err)
				span.SetStatus(codes.Error, err.Error())
			}
		}
		span.End()
	}
}

// outcomeOf names an outcome. A conflict and a duplicate are answers, not errors.
func outcomeOf(receipt es.Receipt, err error) string {
	switch {
	case err == nil && receipt.Duplicate:
		return "duplicate"
	case err == nil:
		return "stored"
	case errors.Is(err, es.ErrConflict):
		return "conflict"
	case errors.Is(err, es.ErrOutcomeUnknown):
		return "unknown"
	default:
		return "error"
	}
}
