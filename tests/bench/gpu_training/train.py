"""Trains ResNet50 on one GPU: every picture in its memory, views made there, normalisations fused."""

import argparse, io, json, math, os, sys, time
from concurrent.futures import ThreadPoolExecutor
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from PIL import Image

H, W, SIDE = 280, 350, 224
DEV = "cuda" if torch.cuda.is_available() else "cpu"
BF16 = DEV == "cuda"
SOURCES = ["ham10000", "isic2017", "pad_ufes_20", "milk10k", "acral", "normal_skin"]
SHARES = {0: 0.29, 1: 0.15, 2: 0.10, 3: 0.34, 4: 0.12}
MEAN = torch.tensor([123.68, 116.779, 103.939], device=DEV).view(1, 3, 1, 1)
AXIS = np.array(
    [-0.098, -0.127, -0.159], np.float32
)  # one step of skin tone towards darker, log(RGB + 8)
CMEAN = np.array([5.198, 4.921, 4.826])
CCOV = np.array([[0.0722, 0.0587, 0.0540], [0.0587, 0.1031, 0.1003], [0.0540, 0.1003, 0.1383]])
MAL = [0, 1, 4, 7]
NORMAL = 8
MELANOMA = 4


def log(*a):
    print(f"{time.time() - T0:7.1f}", *a, flush=True)


T0 = time.time()


# ---- data ----
def decode(raw):
    im = Image.open(io.BytesIO(raw)).convert("RGB")
    turned = im.height > im.width
    if turned:
        im = im.transpose(Image.Transpose.ROTATE_90)
    if im.height != H:
        im = im.resize((round(im.width * H / im.height), H), Image.Resampling.BICUBIC)
    a = np.asarray(im)
    if a.shape[1] > W:
        o = (a.shape[1] - W) // 2
        a = a[:, o : o + W]
    w = a.shape[1]
    if w < W:
        l = (W - w) // 2
        a = np.pad(a, ((0, 0), (l, W - w - l), (0, 0)), mode="reflect")
    return a, turned


class Data:
    def __init__(self, folder, limit=0):
        z = np.load(f"{folder}/index.npz")
        r = z["rows"]
        keep = np.arange(len(r))
        if limit:
            keep = np.random.default_rng(0).choice(len(r), limit, replace=False)
            keep.sort()
        r = r[keep]
        self.rows = r
        self.logits = z["logits"][keep]
        self.lesion = z["lesion"][keep]
        n = len(r)
        self.X = torch.empty((n, H, W, 3), dtype=torch.uint8, device=DEV)
        turned = np.zeros(n, bool)
        blobs = {0: np.memmap(f"{folder}/all.bin", np.uint8, "r")}

        def one(i):
            p, o, l = r[i, :3]
            return decode(blobs[p][o : o + l].tobytes())

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for s in range(0, n, 2000):
                out = list(pool.map(one, range(s, min(s + 2000, n))))
                self.X[s : s + len(out)] = torch.from_numpy(np.stack([a for a, _ in out])).to(DEV)
                turned[s : s + len(out)] = [t for _, t in out]
        self.turned = torch.from_numpy(turned).to(DEV)
        self.src, self.y, self.val, self.clin = r[:, 3], r[:, 4], r[:, 5] == 1, r[:, 6] == 1
        corner = np.log(r[:, 7:10] + 8.0)
        self.step = ((corner - np.array([5.139, 4.818, 4.581])) @ AXIS / (AXIS @ AXIS)).astype(
            np.float32
        )
        o = np.load(f"{folder}/overlays.npz")
        t = lambda a: torch.from_numpy(a).to(DEV).permute(0, 3, 1, 2).float()
        self.hairs, self.marks = t(o["hairs"]), t(o["marks"])
        log("data", n, "validation", int(self.val.sum()))


def sampler_weights(d, train, hard):
    w = np.zeros(len(d.y))
    src, y = d.src, d.y
    skin = y == NORMAL
    present = [s for s in SHARES if (train & (src == s) & ~skin).any()]
    total = sum(SHARES[s] for s in present)

    def root(rows, names):
        _, place, n = np.unique(names[rows], return_inverse=True, return_counts=True)
        v = 1 / np.sqrt(n[place])
        return v / v.sum()

    for s in present:
        rows = train & ~skin & (src == s)
        v = root(rows, y)
        if (
            hard and s >= 2
        ):  # benign lesions of the new sources that the shipped model scores as malignant
            p = (
                torch.softmax(torch.from_numpy(d.logits[rows]).float() / 1.5, 1)
                .numpy()[:, MAL]
                .sum(1)
            )
            v = v * np.where(np.isin(y[rows], MAL), 1.0, 1.0 + hard * p)
            v /= v.sum()
        w[rows] = SHARES[s] / total * v
    rows = train & skin
    w *= 0.92
    w[rows] = 0.08 * root(rows, src)
    return w


# ---- views ----
def gauss_kernels(sigma, k):
    x = torch.arange(k, device=DEV, dtype=torch.float32) - k // 2
    g = torch.exp(-(x[None] ** 2) / (2 * sigma[:, None] ** 2))
    return g / g.sum(1, keepdim=True)


def blur(x, sigma, k=17):
    b, c, h, w = x.shape
    g = gauss_kernels(sigma.clamp(min=0.05), k).repeat_interleave(c, 0)
    y = F.pad(x, (k // 2,) * 4, mode="reflect").reshape(1, b * c, h + k - 1, w + k - 1)
    y = F.conv2d(
        F.conv2d(y, g.view(b * c, 1, 1, k), groups=b * c), g.view(b * c, 1, k, 1), groups=b * c
    )
    return y.reshape(b, c, h, w)


def shake(x, dx, dy):
    """Mean of seven shifted copies."""
    b = len(x)
    t = torch.linspace(-0.5, 0.5, 7, device=DEV)
    out = 0
    base = F.affine_grid(torch.eye(2, 3, device=DEV).repeat(b, 1, 1), x.shape, align_corners=False)
    for s in t:
        g = base + torch.stack([dx * s, dy * s], 1)[:, None, None] * (2 / SIDE)
        out = out + F.grid_sample(x, g, padding_mode="reflection", align_corners=False)
    return out / 7


_n = torch.arange(8, dtype=torch.float32)
DCT = (
    torch.cos((2 * _n[None] + 1) * _n[:, None] * math.pi / 16)
    * torch.where(_n == 0, math.sqrt(1 / 8), 0.5)[:, None]
).to(DEV)
QL = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=torch.float32,
    device=DEV,
)
QC = torch.full((8, 8), 99.0, device=DEV)
QC[:4, :4] = torch.tensor(
    [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]], dtype=torch.float32
)
TOY = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], device=DEV
)
TORGB = torch.inverse(TOY.cpu()).to(DEV)


def jpeg(x, quality):
    s = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality) / 100
    q = torch.stack([QL, QC, QC])[None] * s[:, None, None, None]
    q = q.round().clamp(1, 255)
    y = torch.einsum("ij,bjhw->bihw", TOY, x - 0)
    y[:, 0] -= 128
    half = F.interpolate(
        F.avg_pool2d(y[:, 1:], 2), scale_factor=2, mode="bilinear", align_corners=False
    )
    y = torch.cat([y[:, :1], half], 1)
    b = len(x)
    n = SIDE // 8
    t = y.reshape(b, 3, n, 8, n, 8).permute(0, 1, 2, 4, 3, 5)
    c = DCT @ t @ DCT.T
    q = q[:, :, None, None]
    c = (c / q).round() * q
    y = (DCT.T @ c @ DCT).permute(0, 1, 2, 4, 3, 5).reshape(b, 3, SIDE, SIDE)
    y[:, 0] += 128
    return torch.einsum("ij,bjhw->bihw", TORGB, y).clamp(0, 255)


def vignette(x, radius, edge, ax, ay):
    p = torch.arange(SIDE, device=DEV) - (SIDE - 1) / 2
    dist = (
        torch.hypot(
            (p[None, None, :] - ax[:, None, None] * SIDE),
            (p[None, :, None] - ay[:, None, None] * SIDE),
        )
        / SIDE
    )
    return x * ((radius[:, None, None] - dist) / edge[:, None, None] + 0.5).clamp(0, 1)[:, None]


def lay(x, over):
    a = over[:, 3:] / 255
    return x * (1 - a) + over[:, :3] * a


class Augment:
    def __init__(self, d, cfg):
        self.d, self.c = d, cfg

    def __call__(self, idx, rng, side=SIDE):
        d, c, B = self.d, self.c, len(idx)
        U = rng.uniform
        g = lambda a: torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)).to(
            DEV, non_blocking=True
        )
        some = lambda share: np.flatnonzero(U(size=B) < share)
        ti = torch.from_numpy(idx).to(DEV)
        x = d.X[ti].permute(0, 3, 1, 2).float()

        def part(rows, fn):
            if len(rows):
                r = torch.from_numpy(rows).to(DEV)
                x[r] = fn(x[r])

        m = some(c.marked)
        rim = m[U(size=len(m)) < 1 / 3]
        m = np.setdiff1d(m, rim)
        part(
            m,
            lambda v: lay(
                v, d.marks[torch.from_numpy(rng.integers(len(d.marks), size=len(m))).to(DEV)]
            ),
        )
        # geometry, in units of the shorter side
        wide = np.where(U(size=B) < c.widened, U(1, 1.4, B), 1.0)
        s = U(0.5, 1, B)
        st = np.exp(U(-0.2877, 0.2877, B) / 2)
        cw, ch = s * st * wide, s / st * wide
        maxw = W / H * wide
        cw, ch = np.minimum(cw, maxw), np.minimum(ch, wide)
        ox = np.clip(U(-0.12, 0.12, B) * wide, -(maxw - cw) / 2, (maxw - cw) / 2)
        oy = np.clip(U(-0.12, 0.12, B) * wide, -(wide - ch) / 2, (wide - ch) / 2)
        th = np.where(U(size=B) < 0.5, U(0, 2 * np.pi, B), 0.0)
        co, si = np.cos(th), np.sin(th)
        # dihedral on the output
        k = rng.integers(8, size=B)
        q = (k % 4) * np.pi / 2
        fl = np.where(k >= 4, -1.0, 1.0)
        cq, sq = np.round(np.cos(q)), np.round(np.sin(q))
        A = np.stack(
            [np.stack([cq * fl, -sq], -1), np.stack([sq * fl, cq], -1)], 1
        )  # output -> crop
        S = np.zeros((B, 2, 2))
        S[:, 0, 0], S[:, 1, 1] = cw / 2, ch / 2
        R = np.stack([np.stack([co, -si], -1), np.stack([si, co], -1)], 1)
        M = R @ S @ A
        t = R @ np.stack([ox, oy], -1)[..., None]
        N = np.array([2 * H / W, 2.0])[None, :, None]
        theta = g(np.concatenate([M, t], 2) * N)
        grid = F.affine_grid(theta, (B, 3, 2 * side, 2 * side), align_corners=False)
        x = F.avg_pool2d(F.grid_sample(x, grid, padding_mode="reflection", align_corners=False), 2)
        if side != SIDE:
            pass
        # light of another clinic; a darker or lighter skin
        move = np.zeros((B, 3), np.float32)
        r = some(c.relit)
        if len(r):
            rr = torch.from_numpy(r).to(DEV)
        drawn = rng.multivariate_normal(CMEAN, CCOV, B)
        share = np.zeros(B)
        share[r] = U(size=len(r))
        tone = np.zeros(B)
        r2 = some(c.tone)
        tone[r2] = U(c.lightest, c.darkest, len(r2))
        own = d.step[idx]
        n = (tone - own).clip(-3, 7) * (np.isin(np.arange(B), r2)) * np.where(d.clin[idx], 1.0, 0.5)
        need = np.flatnonzero((share > 0) | (n != 0))
        if len(need):
            rr = torch.from_numpy(need).to(DEV)
            L = torch.log(x[rr].clamp(min=0) + 8)
            mv = (g(drawn[need]) - L.mean((2, 3))) * g(share[need])[:, None] + g(n[need])[
                :, None
            ] * g(AXIS)[None]
            x[rr] = (torch.exp(L + mv[:, :, None, None]) - 8).clamp(0, 255)
        # colour
        br, con, sat = (g(U(0.75, 1.25, B)).view(B, 1, 1, 1) for _ in range(3))
        grey = x.mean(1, keepdim=True)
        x = grey + (x - grey) * sat
        mid = grey.mean((2, 3), keepdim=True)
        x = (mid + (x - mid) * con) * br * g(U(0.92, 1.08, (B, 3)))[:, :, None, None]
        gam = g(np.exp(U(-1, 1, B) * math.log(0.8))).view(B, 1, 1, 1)
        x = 255 * (x.clamp(0, 255) / 255) ** gam

        def part(rows, fn):
            if len(rows):
                r = torch.from_numpy(rows).to(DEV)
                x[r] = fn(x[r])

        part(
            rim,
            lambda v: vignette(
                v,
                *(
                    g(U(*lim, len(rim)))
                    for lim in ((0.44, 0.64), (0.01, 0.1), (-0.06, 0.06), (-0.06, 0.06))
                ),
            ),
        )
        b = some(0.15)
        part(b, lambda v: blur(v, g(U(0, 0.006 * SIDE, len(b))), 9))
        e = some(0.25)
        if len(e):
            mean = x.mean((2, 3), keepdim=True)
            p = torch.arange(side, device=DEV)
            w_, h_ = U(0.15, 0.4, len(e)) * side, U(0.15, 0.4, len(e)) * side
            l_, t_ = U(size=len(e)) * (side - w_), U(size=len(e)) * (side - h_)
            inx = (p[None] >= g(l_)[:, None]) & (p[None] < g(l_ + w_)[:, None])
            iny = (p[None] >= g(t_)[:, None]) & (p[None] < g(t_ + h_)[:, None])
            er = torch.from_numpy(e).to(DEV)
            x[er] = torch.where((iny[:, :, None] & inx[:, None])[:, None], mean[er], x[er])
        # worse pictures
        sp = some(c.spoiled)
        kinds = {k: [] for k in range(8)}
        for row in sp:
            for k_ in rng.choice(8, rng.integers(1, 3), replace=False):
                kinds[int(k_)].append(row)
        K = {k_: np.array(v, int) for k_, v in kinds.items()}
        part(
            K[0],
            lambda v: (
                v
                * g(np.exp(U(-0.15, 0.15, (len(v), 3)) + U(-0.6, 0.45, (len(v), 1))))[
                    :, :, None, None
                ]
            ),
        )
        part(K[1], lambda v: blur(v, g(U(0, 0.018 * SIDE, len(v)))))
        if len(K[2]):
            reach, an = U(0, 0.03, len(K[2])) * side, U(0, 2 * np.pi, len(K[2]))
            part(K[2], lambda v: shake(v, g(reach * np.cos(an)), g(reach * np.sin(an))))
        part(K[3], lambda v: v + torch.randn_like(v) * g(U(0, 14, len(v)))[:, None, None, None])
        if side == SIDE:
            part(K[4], lambda v: jpeg(v.clamp(0, 255), g(rng.integers(8, 60, len(v)))))
        part(
            K[5],
            lambda v: (
                v
                + (v - blur(v, g(U(0.5, 2.5, len(v)))))
                * g(U(0.4, 1.8, len(v)))[:, None, None, None]
            ),
        )
        if side == SIDE:
            part(
                K[6],
                lambda v: vignette(
                    v,
                    *(
                        g(U(*lim, len(v)))
                        for lim in ((0.44, 0.64), (0.01, 0.1), (-0.06, 0.06), (-0.06, 0.06))
                    ),
                ),
            )
            part(
                K[7],
                lambda v: lay(
                    v, d.hairs[torch.from_numpy(rng.integers(len(d.hairs), size=len(v))).to(DEV)]
                ),
            )
        return x.clamp(0, 255).round()

    def centre(self, idx, side=SIDE):
        ti = torch.from_numpy(idx).to(DEV)
        x = self.d.X[ti].permute(0, 3, 1, 2)[:, :, 28:252, 63:287].float()
        t = self.d.turned[ti]
        x = torch.where(t[:, None, None, None], torch.rot90(x, -1, (2, 3)), x)
        return (
            x
            if side == SIDE
            else F.interpolate(x, (side, side), mode="bicubic", align_corners=False).clamp(0, 255)
        )


# ---- network ----
BLOCKS = {2: 3, 3: 4, 4: 6, 5: 3}


class ResNet(nn.Module):
    scaling = "caffe"
    side = SIDE

    def __init__(self, arrays, outputs=9):
        super().__init__()
        self.names = []
        self.k = nn.ParameterDict()
        self.b = nn.ParameterDict()
        self.head = nn.Linear(2048, outputs)
        for name in sorted({n.split("/")[0] for n in arrays} - {"logits"}):
            kernel, bias, scale = (
                torch.from_numpy(np.asarray(arrays[f"{name}/{i}"], np.float32)) for i in range(3)
            )
            self.names.append(name)
            self.k[name] = nn.Parameter(kernel.permute(3, 2, 0, 1).contiguous())
            self.b[name] = nn.Parameter(bias)
            self.register_buffer("s_" + name, scale)
        w, b = (torch.from_numpy(np.asarray(arrays[f"logits/{i}"], np.float32)) for i in range(2))
        self.head.weight.data[: w.shape[1]] = w.T
        self.head.bias.data[: len(b)] = b

    def load_head(self, w, b, order):
        """An output for each label; squamous cell carcinoma begins as actinic keratosis."""
        W_, B_ = torch.from_numpy(w).T, torch.from_numpy(b)
        for i, j in enumerate(order):
            self.head.weight.data[i], self.head.bias.data[i] = W_[j], B_[j]

    def conv(self, x, name, stride=1, pad=0):
        w = self.k[name] * getattr(self, "s_" + name)[:, None, None, None]
        return F.conv2d(
            x,
            w.to(x.dtype, memory_format=torch.channels_last),
            self.b[name].to(x.dtype),
            stride,
            pad,
        )

    def features(self, x):
        x = F.relu(self.conv(x, "conv1_conv", 2, 3))
        x = F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2)
        for stage, n in BLOCKS.items():
            for i in range(1, n + 1):
                p = f"conv{stage}_block{i}_"
                st = 2 if i == 1 and stage > 2 else 1
                short = self.conv(x, p + "0_conv", st) if i == 1 else x
                y = F.relu(self.conv(x, p + "1_conv", st))
                y = F.relu(self.conv(y, p + "2_conv", 1, 1))
                y = self.conv(y, p + "3_conv")
                x = F.relu(y + short)
        return x.float().mean((2, 3))

    def forward(self, x):
        x = (x.flip(1) - MEAN.flip(1)).to(
            torch.bfloat16 if BF16 else torch.float32, memory_format=torch.channels_last
        )
        f = self.features(x)
        if self.training:
            f = F.dropout(f, 0.3)
        return self.head(f)

    def groups(self, lr, decay, wd):
        out = []
        for name in self.names:
            depth = 5 - int(name[4])
            r = lr * decay**depth
            out += [
                dict(params=[self.k[name]], lr=r, weight_decay=wd),
                dict(params=[self.b[name]], lr=r, weight_decay=0),
            ]
        return out + [
            dict(params=[self.head.weight], lr=lr, weight_decay=wd),
            dict(params=[self.head.bias], lr=lr, weight_decay=0),
        ]

    def folded(self):
        out = {}
        for n in self.names:
            s = getattr(self, "s_" + n)
            out[n + "/kernel"] = (
                (self.k[n] * s[:, None, None, None])
                .permute(2, 3, 1, 0)
                .detach()
                .cpu()
                .numpy()
                .astype(np.float16)
            )
            out[n + "/bias"] = self.b[n].detach().cpu().numpy()
        out["logits/kernel"] = self.head.weight.T.detach().cpu().numpy().astype(np.float16)
        out["logits/bias"] = self.head.bias.detach().cpu().numpy()
        return out


class Lite(nn.Module):
    side = SIDE

    def __init__(self, path, outputs=9):
        super().__init__()
        import timm

        self.net = timm.create_model("tf_efficientnet_lite2", pretrained=False, num_classes=1000)
        theirs = torch.load(path, map_location="cpu", weights_only=True)
        mine = self.net.state_dict()
        a = [v for k, v in theirs.items() if "num_batches" not in k]
        names = [k for k in mine if "num_batches" not in k]
        assert len(a) == len(names), (len(a), len(names))
        for k, v in zip(names, a):
            assert mine[k].shape == v.shape, (k, mine[k].shape, v.shape)
            mine[k].copy_(v)
        self.net.load_state_dict(mine)
        self.net.classifier = nn.Linear(self.net.classifier.in_features, outputs)

    def forward(self, x):
        x = ((x - 127) / 128).contiguous(memory_format=torch.channels_last)
        with torch.autocast(DEV, torch.bfloat16, enabled=BF16):
            f = self.net.forward_features(x)
            f = f.mean((2, 3))
        f = f.float()
        if self.training:
            f = F.dropout(f, 0.3)
        return self.net.classifier(f)

    def groups(self, lr, decay, wd):
        ks = [p for n, p in self.named_parameters() if p.ndim > 1]
        bs = [p for n, p in self.named_parameters() if p.ndim < 2]
        return [dict(params=ks, lr=lr, weight_decay=wd), dict(params=bs, lr=lr, weight_decay=0)]

    def folded(self):
        return {k: v.detach().cpu().numpy() for k, v in self.net.state_dict().items()}


# ---- measuring ----
def auc(s, y):
    y = y.astype(bool)
    n, m = y.sum(), (~y).sum()
    if not n or not m:
        return float("nan")
    u, inv, cnt = np.unique(s, return_inverse=True, return_counts=True)
    r = (np.cumsum(cnt) - (cnt - 1) / 2)[inv]
    return float((r[y].sum() - n * (n + 1) / 2) / (n * m))


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def measure(z, d, rows):
    y, src, clin = d.y[rows], d.src[rows], d.clin[rows]
    les = y != NORMAL
    out = {}
    per = []
    for s in range(5):
        m = les & (src == s)
        if len(set(y[m])) < 2:
            continue
        pres = np.unique(y[m])
        p = softmax(z[m][:, pres])
        a = np.mean([auc(p[:, i], y[m] == c) for i, c in enumerate(pres)])
        per.append(a)
        out["macro_" + SOURCES[s]] = a
    out["macro"] = float(np.mean(per)) if per else float("nan")
    p = softmax(z[:, :8])
    mal = p[:, MAL].sum(1)
    # one picture of each lesion
    first = np.zeros(len(rows), bool)
    seen = set()
    for i, k in enumerate(zip(d.lesion[rows].tolist(), clin.tolist())):
        if k not in seen:
            seen.add(k)
            first[i] = True
    mals, specs, mels = [], [], []
    for s in range(5):
        for c in (False, True):
            m = les & (src == s) & (clin == c) & first
            t = np.isin(y[m], MAL)
            if t.sum() < 10 or (~t).sum() < 10:
                continue
            n = SOURCES[s][:5] + ("_c" if c else "")
            out["mal_" + n] = auc(mal[m], t)
            mals.append(out["mal_" + n])
            th = np.sort(mal[m][t])[int(np.floor(0.02 * t.sum()))]
            out["spec98_" + n] = float((mal[m][~t] < th).mean())
            specs.append(out["spec98_" + n])
            if (y[m] == MELANOMA).sum() >= 10:
                out["mel_" + n] = auc(p[m][:, MELANOMA], y[m] == MELANOMA)
                mels.append(out["mel_" + n])
    for c in (False, True):
        m = les & (clin == c) & first
        t = np.isin(y[m], MAL)
        if t.sum() > 5 and (~t).sum() > 5:
            out["mal" + ("_close" if c else "_derm")] = auc(mal[m], t)
            out["melanoma" + ("_close" if c else "_derm")] = auc(
                p[m][:, MELANOMA], y[m] == MELANOMA
            )
    out["mal"], out["spec98"], out["mel"] = (
        float(np.mean(mals or [0])),
        float(np.mean(specs or [0])),
        float(np.mean(mels or [0])),
    )
    out["loss"] = float(-np.log(softmax(z)[np.arange(len(rows)), y] + 1e-9).mean())
    return out


@torch.no_grad()
def run(net, aug, rows, batch=256):
    net.eval()
    z = [
        net(aug.centre(rows[i : i + batch], net.side)).float().cpu().numpy()
        for i in range(0, len(rows), batch)
    ]
    net.train()
    return np.concatenate(z)


# ---- training ----
def make_net(cfg, folder):
    if cfg.init == "lite":
        return Lite(f"{folder}/lite2.pth").to(DEV)
    arrays = load_init(folder, cfg.init)
    w, b = np.asarray(arrays["logits/0"], np.float32), np.asarray(arrays["logits/1"], np.float32)
    net = ResNet(arrays)
    if w.shape[1] == 8:
        net.load_head(w, b, [0, 1, 2, 3, 4, 5, 6, 0, 7])
    return net.to(DEV)


def load_init(folder, name):
    z = np.load(f"{folder}/init_ship.npz")
    a = {k: z[k].astype(np.float32) for k in z}
    if name != "ship":  # the difference to the shipped weights, in eight bits
        q = np.load(f"{folder}/init_{name}.npz")
        for k in q:
            if k.endswith("#q"):
                a[k[:-2]] = a[k[:-2]] + q[k].astype(np.float32) * q[k[:-2] + "#s"]
            elif not k.endswith("#s"):
                a[k] = q[k].astype(np.float32)
    return a


def train(cfg, d, folder, out):
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    start = time.time()
    left = [SOURCES.index(s) for s in cfg.leave_out]
    lo = np.isin(d.src, left)
    tr = ~d.val & ~lo
    w = sampler_weights(d, tr, cfg.hard)
    va = np.flatnonzero(d.val & ~lo)
    unseen = np.flatnonzero(lo)
    net = make_net(cfg, folder)
    net.train()
    aug = Augment(d, cfg)
    per_epoch = cfg.steps or int(tr.sum()) // cfg.batch
    total = per_epoch * cfg.epochs
    opt = torch.optim.AdamW(net.groups(cfg.lr, cfg.decay, cfg.wd), fused=DEV == "cuda")
    peaks = [g["lr"] for g in opt.param_groups]
    params = [p for p in net.parameters()]
    mom = min(0.998, 1 - 1 / (1 + 0.2 * total))
    ema = [p.detach().clone() for p in params]
    teachers = [load_trained(f"{out}/{t}.npz", folder) for t in cfg.teachers]
    yt = torch.from_numpy(d.y).to(DEV)
    ismal = torch.zeros(9, device=DEV)
    ismal[MAL] = 1
    best, hist, run_loss, seen = None, [], 0, 0
    cand = np.flatnonzero(w > 0)
    prob = w[cand] / w[cand].sum()
    warm = max(1, per_epoch // 2)
    step = 0

    def evaluate(tag):
        swap_in = [p.data for p in params]
        for p, e in zip(params, ema):
            p.data = e
        z = run(net, aug, va)
        m = measure(z, d, va)
        if len(unseen):
            zu = run(net, aug, unseen)
            mu = measure(zu, d, unseen)
            m |= {"LEFT_" + k: v for k, v in mu.items()}
        for p, s in zip(params, swap_in):
            p.data = s
        show = [
            "macro",
            "mal",
            "spec98",
            "mel",
            "mal_derm",
            "mal_close",
            "melanoma_derm",
            "melanoma_close",
            "loss",
        ]
        log(cfg.name, tag, " ".join(f"{k} {m[k]:.4f}" for k in show if k in m))
        if len(unseen):
            log("   left out:", " ".join(f"{k[5:]} {m[k]:.4f}" for k in m if k.startswith("LEFT_")))
        else:
            log(
                "    ",
                " ".join(
                    f"{k} {v:.3f}"
                    for k, v in m.items()
                    if k.startswith(("macro_", "mal_", "spec98_"))
                ),
            )
        return m

    hist.append(evaluate("start"))
    for epoch in range(cfg.epochs):
        order = rng.choice(cand, per_epoch * cfg.batch, p=prob)
        for i in range(per_epoch):
            f = min(1, (step + 1) / warm) * (
                0.01
                + 0.99 * 0.5 * (1 + math.cos(math.pi * max(0, step - warm) / max(1, total - warm)))
            )
            for g_, pk in zip(opt.param_groups, peaks):
                g_["lr"] = pk * f
            idx = order[i * cfg.batch : (i + 1) * cfg.batch]
            x = aug(idx, rng, net.side)
            ti = torch.from_numpy(idx).to(DEV)
            t = F.one_hot(yt[ti], 9).float()
            perm = torch.from_numpy(rng.permutation(len(idx))).to(DEV)
            lam = rng.beta(0.2, 0.2, len(idx))
            lam = torch.from_numpy(np.maximum(lam, 1 - lam).astype(np.float32)).to(DEV)
            x = lam[:, None, None, None] * x + (1 - lam)[:, None, None, None] * x[perm]
            t = lam[:, None] * t + (1 - lam)[:, None] * t[perm]
            if teachers:
                with torch.no_grad():
                    t = (1 - cfg.soft) * t + cfg.soft * sum(
                        torch.softmax(n_(x), 1) for n_ in teachers
                    ) / len(teachers)
            z = net(x)
            loss = -(t * F.log_softmax(z, 1)).sum(1).mean()
            if cfg.decision:  # malignant against benign, normal skin aside
                lm = torch.logsumexp(z[:, MAL], 1) - torch.logsumexp(z[:, [2, 3, 5, 6]], 1)
                pm = (t * ismal).sum(1)
                share = 1 - t[:, NORMAL]
                loss = (
                    loss
                    + cfg.decision
                    * (
                        share
                        * F.binary_cross_entropy_with_logits(
                            lm, (pm / share.clamp(min=1e-3)).clamp(0, 1), reduction="none"
                        )
                    ).mean()
                )
            opt.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(params, 1.0)
            opt.step()
            with torch.no_grad():
                torch._foreach_lerp_(ema, [p.data for p in params], 1 - mom)
            run_loss += loss.detach()
            step += 1
        log(
            cfg.name,
            f"epoch {epoch + 1} loss {float(run_loss) / per_epoch:.4f} {(epoch + 1) * per_epoch * cfg.batch / (time.time() - start):.0f}/s",
        )
        run_loss = 0
        if (epoch + 1) % cfg.every == 0 or epoch + 1 == cfg.epochs:
            hist.append(evaluate(f"e{epoch + 1}"))
    for p, e in zip(params, ema):
        p.data = e
    np.savez(f"{out}/{cfg.name}.npz", **net.folded())
    json.dump(
        dict(cfg=vars(cfg), history=hist, seconds=time.time() - start),
        open(f"{out}/{cfg.name}.json", "w"),
    )
    z = run(net, aug, va)
    np.save(f"{out}/{cfg.name}.val.npy", z.astype(np.float16))
    if len(unseen):
        np.save(f"{out}/{cfg.name}.left.npy", run(net, aug, unseen).astype(np.float16))
    if cfg.keep_train:
        every = np.arange(len(d.y))
        np.save(f"{out}/{cfg.name}.train.npy", run(net, aug, every))
    log(cfg.name, "done", f"{time.time() - start:.0f} s")


def average(names, d, folder, out, name, weights=None):
    """Weights averaged; and, beside them, the probabilities averaged."""
    zs = [dict(np.load(f"{out}/{n}.npz")) for n in names]
    ws = weights or [1 / len(zs)] * len(zs)
    mean = {k: sum(w * z[k].astype(np.float32) for w, z in zip(ws, zs)) for k in zs[0]}
    np.savez(
        f"{out}/{name}.npz",
        **{k: v.astype(np.float16) if k.endswith("kernel") else v for k, v in mean.items()},
    )
    net = from_folded(mean).to(DEV)
    aug = Augment(d, None)
    va = np.flatnonzero(d.val)
    z = run(net, aug, va)
    m = measure(z, d, va)
    np.save(f"{out}/{name}.val.npy", z.astype(np.float16))
    show = [
        "macro",
        "mal",
        "spec98",
        "mel",
        "mal_derm",
        "mal_close",
        "melanoma_derm",
        "melanoma_close",
        "loss",
    ]
    log("AVERAGE", name, names, " ".join(f"{k} {m[k]:.4f}" for k in show if k in m))
    log(
        "    ",
        " ".join(
            f"{k} {v:.3f}" for k, v in m.items() if k.startswith(("macro_", "mal_", "spec98_"))
        ),
    )


def load_trained(path, folder):
    f = dict(np.load(path))
    if "logits/kernel" in f:
        net = from_folded({k: v.astype(np.float32) for k, v in f.items()})
    else:
        net = Lite(f"{folder}/lite2.pth")
        net.net.load_state_dict({k: torch.from_numpy(v) for k, v in f.items()})
    return net.to(DEV).eval()


def ensemble(names, d, folder, out, left):
    """The mean of the probabilities of several networks, and each of them, on validation or on sources left out."""
    rows = np.flatnonzero(np.isin(d.src, [SOURCES.index(s) for s in left]) if left else d.val)
    aug = Augment(d, None)
    ps = []
    for n in names:
        ps.append(softmax(run(load_trained(f"{out}/{n}.npz", folder), aug, rows)))
        show(f"ENSEMBLE {n}", measure(np.log(ps[-1] + 1e-9), d, rows))
    mean = np.log(np.mean(ps, 0) + 1e-9)
    show(f"ENSEMBLE of {len(names)}", measure(mean, d, rows))
    rng = np.random.default_rng(0)
    les = d.y[rows] != NORMAL
    diffs = []  # bootstrap of the difference in macro AUC and malignant AUC to the first
    for _ in range(60):
        b = rng.choice(np.flatnonzero(les), les.sum())
        y = d.y[rows][b]
        pres = [c for c in np.unique(y)]
        t = np.isin(y, MAL)
        f = lambda p: (
            np.mean([auc(p[b][:, c], y == c) for c in pres]),
            auc(p[b][:, MAL].sum(1), t),
        )
        a_, m_ = f(ps[0]), f(np.mean(ps, 0))
        diffs.append((m_[0] - a_[0], m_[1] - a_[1]))
    log(
        "   ensemble minus first: macro, malignant",
        np.percentile(diffs, [2.5, 50, 97.5], axis=0).round(4).T.tolist(),
    )


def show(tag, m):
    log(
        tag,
        " ".join(
            f"{k} {m[k]:.4f}"
            for k in (
                "macro",
                "mal",
                "spec98",
                "mel",
                "mal_derm",
                "mal_close",
                "melanoma_derm",
                "melanoma_close",
                "loss",
            )
            if k in m
        ),
    )


def from_folded(f):
    a = {}
    for k in f:
        n, kind = k.split("/")
        if n == "logits":
            a[f"logits/{0 if kind == 'kernel' else 1}"] = f[k]
        elif kind == "kernel":
            a[n + "/0"] = f[k]
            a[n + "/2"] = np.ones(f[k].shape[-1], np.float32)
        else:
            a[n + "/1"] = f[k]
    return ResNet(a)


DEFAULTS = dict(
    name="x",
    init="ship",
    lr=1e-4,
    decay=0.7,
    wd=0.05,
    batch=128,
    epochs=8,
    steps=0,
    seed=0,
    leave_out=[],
    hard=0.0,
    decision=0.0,
    tone=0.0,
    lightest=-2.0,
    darkest=5.0,
    relit=0.25,
    widened=0.3,
    spoiled=0.3,
    marked=0.2,
    every=2,
    teachers=[],
    soft=0.5,
    keep_train=False,
)

if __name__ == "__main__":
    folder, out, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0
    os.makedirs(out, exist_ok=True)
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    d = Data(folder, limit)
    done = set()
    while True:
        queue = sorted(
            f for f in os.listdir(f"{out}/queue") if f.endswith(".json") and f not in done
        )
        if not queue:
            if os.path.exists(f"{out}/stop"):
                break
            time.sleep(0.3)
            continue
        f = queue[0]
        done.add(f)
        job = json.load(open(f"{out}/queue/{f}"))
        try:
            if "ensemble" in job:
                ensemble(job["ensemble"], d, folder, out, job.get("left", []))
            elif "average" in job:
                average(job["average"], d, folder, out, job["name"], job.get("weights"))
            else:
                train(argparse.Namespace(**{**DEFAULTS, **job}), d, folder, out)
        except Exception:
            import traceback

            log("FAILED", f, traceback.format_exc())
        open(f"{out}/{f}.done", "w").close()
