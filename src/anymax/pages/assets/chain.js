"use strict";
// One row through the chain rule: a = map(z / T), L = loss(a, y), dL/da, J = da/dz and
// dL/dz = J^T dL/da. The formulas are those of the documentation; tests compare every
// number with anymax.

const sum = (x) => x.reduce((total, v) => total + v, 0);
const each = (x, f) => Array.from(x, f);
const product = (x, v) => (x === 0 ? 0 : x * v); // 0 log 0 = 0
const others = (x) => x.map((_, i) => sum(x.filter((_, j) => j !== i)));
const sigmoid = (x) => (x >= 0 ? 1 : Math.exp(x)) / (1 + Math.exp(-Math.abs(x)));
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

// ---- maps: outputs, what losses ask of them, and the weight a^p (1-a)^q (1+a)^r of J

function normalised(h, slope) {
  // a = h / sum h, with J = (diag(a) - a a^T) diag(slope), slope = h' / h
  const total = sum(h);
  const a = h.map((v) => v / total);
  const less = others(h).map((v) => v / total);
  const all = a.map(() => true);
  return { a, less, log: a.map(Math.log), weight: [1, 0, 0], support: all, slope };
}

function sparse(a, p) {
  const ones = a.map(() => 1);
  const support = a.map((v) => v > 0 && v < 1);
  const less = a.map((v) => 1 - v);
  return { a, less, log: a.map(Math.log), weight: [p, 0, 0], support, slope: ones };
}

function elementwise(a, less, log, weight) {
  return { a, less, log, weight, support: a.map(() => true), diagonal: true };
}

const maps = {
  softmax(u) {
    const best = Math.max(...u);
    const e = u.map((v) => Math.exp(v - best));
    const out = normalised(e, u.map(() => 1));
    const total = Math.log(sum(e));
    return { ...out, log: u.map((v) => v - best - total) };
  },
  sparsemax(u) {
    const best = Math.max(...u);
    const x = u.map((v) => v - best);
    const falling = [...x].sort((v, w) => w - v);
    let [above, tau] = [0, 0];
    falling.forEach((v, k) => {
      above += v;
      if (1 + (k + 1) * v > above) tau = (above - 1) / (k + 1);
    });
    return sparse(x.map((v) => Math.max(v - tau, 0)), 0);
  },
  entmax(u) {
    const best = Math.max(...u);
    const x = u.map((v) => (v - best) / 2);
    let [total, squares, tau] = [0, 0, 0];
    [...x].sort((v, w) => w - v).forEach((v, i) => {
      const k = i + 1;
      total += v;
      squares += v * v;
      const spread = (1 - (squares - (total * total) / k)) / k;
      const next = total / k - Math.sqrt(Math.max(spread, 0));
      if (next <= v) tau = next;
    });
    return sparse(x.map((v) => Math.max(v - tau, 0) ** 2), 0.5);
  },
  taylor(u) {
    const h = u.map((v) => 1 + v + (v * v) / 2);
    return normalised(h, u.map((v, i) => (1 + v) / h[i]));
  },
  sigmoid(u) {
    const log = u.map((v) => -softplus(-v));
    return elementwise(u.map(sigmoid), u.map((v) => sigmoid(-v)), log, [1, 1, 0]);
  },
  tanh(u) {
    const less = u.map((v) => 2 * sigmoid(-2 * v));
    const out = elementwise(u.map(Math.tanh), less, null, [0, 1, 1]);
    return { ...out, more: u.map((v) => 2 * sigmoid(2 * v)) };
  },
};

// ---- losses: the value, and dL/da = top / (a^p (1-a)^q)

const [DELTA, GAMMA] = [1, 2];

const losses = {
  cross_entropy: ({ log }, y) => ({
    value: -sum(y.map((v, i) => product(v, log[i]))),
    top: y.map((v) => -v),
    over: [1, 0, 0],
  }),
  squared_error: ({ a }, y) => ({
    value: sum(y.map((v, i) => (a[i] - v) ** 2)),
    top: y.map((v, i) => 2 * (a[i] - v)),
    over: [0, 0, 0],
  }),
  binary_cross_entropy: ({ a, less, log }, y) => ({
    value: -sum(y.map((v, i) => product(v, log[i]) + product(1 - v, Math.log(less[i])))),
    top: y.map((v, i) => a[i] * (1 - v) - v * less[i]),
    over: [1, 1, 0],
  }),
  huber: ({ a }, y) => ({
    value: sum(
      y.map((v, i) => {
        const r = Math.abs(a[i] - v);
        return r <= DELTA ? (r * r) / 2 : DELTA * (r - DELTA / 2);
      }),
    ),
    top: y.map((v, i) => Math.min(Math.max(a[i] - v, -DELTA), DELTA)),
    over: [0, 0, 0],
  }),
  focal: ({ a, less, log }, y) => {
    // of log a and log(1 - (1 - a)), the one with more digits
    const logs = a.map((v, i) => (v > 0.5 ? Math.log1p(-less[i]) : log[i]));
    return {
      value: -sum(y.map((v, i) => product(v, less[i] ** GAMMA * logs[i]))),
      top: y.map((v, i) => -product(v, less[i] - GAMMA * product(a[i], logs[i]))),
      over: [1, 1 - GAMMA, 0],
    };
  },
};

// ---- the chain

function power([p, q, r], out, i) {
  const more = r === 0 ? 1 : out.more[i];
  return out.a[i] ** p * out.less[i] ** q * more ** r;
}

function jacobian(out, T) {
  // row i, column j: da_i / dz_j
  const w = out.a.map((_, i) => (out.support[i] ? power(out.weight, out, i) : 0));
  const total = sum(w) || 1;
  return w.map((wi, i) =>
    w.map((wj, j) => {
      const own = i === j ? wi : 0;
      if (out.diagonal) return own / T;
      return ((own - (wi * wj) / total) * out.slope[j]) / T;
    }),
  );
}

function gradient(out, loss, T) {
  // exponents are subtracted first, so that what cancels is never evaluated
  const left = out.weight.map((p, k) => p - loss.over[k]);
  const t = loss.top.map((v, i) => (out.support[i] ? v * power(left, out, i) : 0));
  if (out.diagonal) return t.map((v) => v / T);
  const w = out.a.map((_, i) => (out.support[i] ? power(out.weight, out, i) : 0));
  const total = sum(w) || 1;
  const rest = others(w);
  const away = others(t);
  return t.map((v, i) => {
    const full = rest[i] / total; // 1 - share, without the subtraction
    const kept = out.weight[0] === 1 && left[1] < 0 ? leftOver(out, loss, left, i) : v * full;
    return ((kept - (w[i] / total) * away[i]) * out.slope[i]) / T;
  });
}

function leftOver(out, loss, [p, q, r], i) {
  // the share of a normalised map is a itself: its own 1 - a cancels a power of 1 - a
  return loss.top[i] * power([p, q + 1, r], out, i);
}

function differences(map, loss, z, y, T) {
  const h = 1e-3; // fourth order
  const value = (i, step) => {
    const moved = z.map((v, j) => (i === j ? v + step : v) / T);
    return losses[loss](maps[map](moved), y).value;
  };
  return z.map((_, i) => {
    const near = value(i, h) - value(i, -h);
    const wide = value(i, 2 * h) - value(i, -2 * h);
    return (8 * near - wide) / (12 * h);
  });
}

function chain(map, loss, z, y, T) {
  const out = maps[map](z.map((v) => v / T));
  const met = losses[loss](out, y);
  const J = jacobian(out, T);
  const slope = met.top.map((v, i) => v / power(met.over, out, i));
  return {
    a: out.a,
    L: met.value,
    slope, // dL/da, the fraction evaluated
    J,
    gradient: gradient(out, met, T), // dL/dz, cancelled first
    unfused: z.map((_, j) => sum(slope.map((g, i) => g * J[i][j]))),
    differences: differences(map, loss, z, y, T),
  };
}
