//! Vector instructions.

use super::*;

#[test]
fn vectors() {
    use Mnemonic::*;
    let mut c = case();
    let three: Vec<(VexOp, Mnemonic)> = [
        (
            v::PADD.as_slice(),
            [Vpaddb, Vpaddw, Vpaddd, Vpaddq].as_slice(),
        ),
        (&v::PSUB, &[Vpsubb, Vpsubw, Vpsubd, Vpsubq]),
        (&v::PCMPEQ, &[Vpcmpeqb, Vpcmpeqw, Vpcmpeqd, Vpcmpeqq]),
        (&v::PCMPGT, &[Vpcmpgtb, Vpcmpgtw, Vpcmpgtd, Vpcmpgtq]),
        (&v::PMINS, &[Vpminsb, Vpminsw, Vpminsd]),
        (&v::PMINU, &[Vpminub, Vpminuw, Vpminud]),
        (&v::PMAXS, &[Vpmaxsb, Vpmaxsw, Vpmaxsd]),
        (&v::PMAXU, &[Vpmaxub, Vpmaxuw, Vpmaxud]),
        (&v::PADDS, &[Vpaddsb, Vpaddsw]),
        (&v::PADDUS, &[Vpaddusb, Vpaddusw]),
        (&v::PSUBS, &[Vpsubsb, Vpsubsw]),
        (&v::PSUBUS, &[Vpsubusb, Vpsubusw]),
        (&v::PAVG, &[Vpavgb, Vpavgw]),
        (
            &v::PUNPCKL,
            &[Vpunpcklbw, Vpunpcklwd, Vpunpckldq, Vpunpcklqdq],
        ),
        (
            &v::PUNPCKH,
            &[Vpunpckhbw, Vpunpckhwd, Vpunpckhdq, Vpunpckhqdq],
        ),
        (
            &[
                v::PMULLW,
                v::PMULLD,
                v::PMULUDQ,
                v::PMULDQ,
                v::PAND,
                v::PANDN,
                v::POR,
                v::PXOR,
                v::PHADDW,
                v::PHADDD,
                v::PSHUFB,
                v::PSADBW,
                v::AESENC,
                v::AESENCLAST,
                v::AESDECLAST,
            ],
            &[
                Vpmullw,
                Vpmulld,
                Vpmuludq,
                Vpmuldq,
                Vpand,
                Vpandn,
                Vpor,
                Vpxor,
                Vphaddw,
                Vphaddd,
                Vpshufb,
                Vpsadbw,
                Vaesenc,
                Vaesenclast,
                Vaesdeclast,
            ],
        ),
        (
            &[
                v::fp(0x58, 2, true),
                v::fp(0x58, 3, true),
                v::fp(0x58, 2, false),
                v::fp(0x58, 3, false),
                v::fp(0x59, 3, true),
                v::fp(0x5c, 3, true),
                v::fp(0x5d, 3, true),
                v::fp(0x5e, 3, true),
                v::fp(0x5f, 2, true),
                v::fp(0x51, 2, true),
                v::CVTSD2SS,
                v::CVTSS2SD,
            ],
            &[
                Vaddss, Vaddsd, Vaddps, Vaddpd, Vmulsd, Vsubsd, Vminsd, Vdivsd, Vmaxss, Vsqrtss,
                Vcvtsd2ss, Vcvtss2sd,
            ],
        ),
        (
            &[
                v::fma231(0, 2, true),
                v::fma231(0, 3, true),
                v::fma231(1, 2, true),
                v::fma231(1, 3, true),
                v::fma231(2, 2, true),
                v::fma231(2, 3, true),
                v::fma231(3, 2, true),
                v::fma231(3, 3, true),
                v::fma231(0, 2, false),
                v::fma231(3, 3, false),
            ],
            &[
                Vfmadd231ss,
                Vfmadd231sd,
                Vfnmadd231ss,
                Vfnmadd231sd,
                Vfmsub231ss,
                Vfmsub231sd,
                Vfnmsub231ss,
                Vfnmsub231sd,
                Vfmadd231ps,
                Vfnmsub231pd,
            ],
        ),
    ]
    .into_iter()
    .flat_map(|(ops, names)| {
        assert_eq!(ops.len(), names.len());
        ops.iter().copied().zip(names.iter().copied())
    })
    .collect();
    for (op, name) in three {
        c.form(|a, [x, y, z], m, n| {
            if n & 1 == 0 {
                a.v3(op, x, y, z);
                (name, vec![X(x), X(y), X(z)])
            } else {
                a.v3(op, x, y, m);
                (name, vec![X(x), X(y), M(0)])
            }
        });
    }
    for (op, name) in [
        (v::PALIGNR, Vpalignr),
        (v::PBLENDW, Vpblendw),
        (v::PBLENDD, Vpblendd),
        (v::SHUFPS, Vshufps),
        (v::PCLMULQDQ, Vpclmulqdq),
        (v::round_scalar(2), Vroundss),
        (v::round_scalar(3), Vroundsd),
        (v::INSERTPS, Vinsertps),
        (v::cmp(2), Vcmpps),
        (v::cmp(3), Vcmppd),
    ] {
        c.form(|a, [x, y, z], _, n| {
            a.v3i(op, x, y, z, n as u8);
            (name, vec![X(x), X(y), X(z), Imm(n as u8 as u64)])
        });
    }
    for (op, name) in [
        (v::PABS[0], Vpabsb),
        (v::PABS[1], Vpabsw),
        (v::PABS[2], Vpabsd),
        (v::PMOVZX[0], Vpmovzxbw),
        (v::PMOVZX[1], Vpmovzxwd),
        (v::PMOVZX[2], Vpmovzxdq),
        (v::PMOVSX[0], Vpmovsxbw),
        (v::PMOVSX[1], Vpmovsxwd),
        (v::PMOVSX[2], Vpmovsxdq),
        (v::PBROADCAST[0], Vpbroadcastb),
        (v::PBROADCAST[1], Vpbroadcastw),
        (v::PBROADCAST[2], Vpbroadcastd),
        (v::PBROADCAST[3], Vpbroadcastq),
        (v::PTEST, Vptest),
        (v::AESIMC, Vaesimc),
        (v::MOVQ, Vmovq),
        (v::MOVAPS, Vmovaps),
        (v::CVTDQ2PS, Vcvtdq2ps),
        (v::comis(2, false), Vucomiss),
        (v::comis(3, false), Vucomisd),
        (v::comis(2, true), Vcomiss),
        (v::comis(3, true), Vcomisd),
        (v::fp(0x51, 3, false), Vsqrtpd),
        (v::PMOVSXBQ, Vpmovsxbq),
        (v::CVTPS2PD, Vcvtps2pd),
        (v::CVTPD2PS, Vcvtpd2ps),
        (v::CVTPS2DQ, Vcvtps2dq),
        (v::CVTTPS2DQ, Vcvttps2dq),
    ] {
        c.form(|a, [x, y, _], m, n| {
            if n & 1 == 0 {
                a.v2(op, x, y);
                (name, vec![X(x), X(y)])
            } else {
                a.v2(op, x, m);
                (name, vec![X(x), M(0)])
            }
        });
    }
    c.form(|a, [x, y, z], _, _| {
        a.v3(v::MOVSD, x, y, z);
        (Vmovsd, vec![X(x), X(y), X(z)])
    });
    for (op, name) in [(v::BLENDVPD, Vblendvpd), (v::BLENDVPS, Vblendvps)] {
        c.form(|a, [x, y, z], _, n| {
            a.vblendv(op, x, y, z, n as u8 & 15);
            (name, vec![X(x), X(y), X(z), X(n as u8 & 15)])
        });
    }
    for (op, name) in [
        (v::PSLLV[0], Vpsllvd),
        (v::PSLLV[1], Vpsllvq),
        (v::PSRLV[0], Vpsrlvd),
        (v::PSRLV[1], Vpsrlvq),
        (v::PSRAVD, Vpsravd),
    ] {
        c.form(|a, [x, y, z], _, _| {
            a.v3(op, x, y, z);
            (name, vec![X(x), X(y), X(z)])
        });
    }
    for (op, name) in [
        (v::PSHUFD, Vpshufd),
        (v::round_packed(2), Vroundps),
        (v::round_packed(3), Vroundpd),
    ] {
        c.form(|a, [x, y, _], _, n| {
            a.v3i(op, x, 0, y, n as u8);
            (name, vec![X(x), X(y), Imm(n as u8 as u64)])
        });
    }
    for (op, name) in [
        (Sha::Msg2Of1, Sha1msg2),
        (Sha::Msg1Of256, Sha256msg1),
        (Sha::Msg2Of256, Sha256msg2),
    ] {
        c.form(|a, [x, y, _], _, _| {
            a.sha(op, x, y);
            (name, vec![X(x), X(y)])
        });
    }
    c.form(|a, [x, y, _], _, _| {
        a.sha(Sha::Rounds2Of256, x, y);
        (Sha256rnds2, vec![X(x), X(y)])
    });
    c.form(|a, [x, y, _], _, n| {
        a.sha1rnds4(x, y, n as u8 & 3);
        (Sha1rnds4, vec![X(x), X(y), Imm(u64::from(n as u8 & 3))])
    });
    for w in [false, true] {
        c.form(|a, [x, y, _], _, n| {
            let (lane, truncate) = (2 + (n as u16 & 1), n & 2 != 0);
            a.v2(v::to_int(lane, w, truncate), x, y);
            let name = match (lane, truncate) {
                (2, true) => Vcvttss2si,
                (2, false) => Vcvtss2si,
                (_, true) => Vcvttsd2si,
                (_, false) => Vcvtsd2si,
            };
            (name, vec![g(w, x), X(y)])
        });
        c.form(|a, [x, y, z], _, n| {
            let lane = 2 + (n as u16 & 1);
            a.v3(v::from_int(lane, w), x, y, z);
            let name = if lane == 2 { Vcvtsi2ss } else { Vcvtsi2sd };
            (name, vec![X(x), X(y), g(w, z)])
        });
        let name = if w { Vmovq } else { Vmovd };
        c.form(|a, [x, y, _], _, _| {
            a.vfrom_gpr(w, x, y);
            (name, vec![X(x), g(w, y)])
        });
        c.form(|a, [x, y, _], _, _| {
            a.vto_gpr(w, x, y);
            (name, vec![g(w, x), X(y)])
        });
    }
    let shifts = [
        (1, 2, Vpsrlw),
        (1, 4, Vpsraw),
        (1, 6, Vpsllw),
        (2, 2, Vpsrld),
        (2, 4, Vpsrad),
        (2, 6, Vpslld),
        (3, 2, Vpsrlq),
        (3, 6, Vpsllq),
    ];
    for (lane, kind, name) in shifts {
        c.form(|a, [x, y, _], _, n| {
            a.vshift_imm(lane, kind, x, y, n as u8);
            (name, vec![X(x), X(y), Imm(n as u8 as u64)])
        });
    }
    c.form(|a, [x, y, _], _, n| {
        let left = n & 1 == 0;
        a.vshift_bytes(left, x, y, n as u8);
        let name = if left { Vpslldq } else { Vpsrldq };
        (name, vec![X(x), X(y), Imm(n as u8 as u64)])
    });
    c.form(|a, [x, ..], m, n| {
        let (name, size) = [
            (Vpextrb, 1),
            (Vpextrw, 2),
            (Vmovd, 4),
            (Vmovq, 8),
            (Vmovups, 16),
        ][n as usize % 5];
        a.vstore((n % 5) as u8, m, x);
        let mut operands = vec![M(size), X(x)];
        if size < 4 {
            operands.push(Imm(0));
        }
        (name, operands)
    });
    c.form(|a, [x, ..], m, n| match n % 3 {
        0 => {
            a.vload_low(2, x, m);
            (Vmovd, vec![X(x), M(4)])
        }
        1 => {
            a.vload_low(3, x, m);
            (Vmovq, vec![X(x), M(8)])
        }
        _ => {
            a.vload(x, m);
            (Vmovups, vec![X(x), M(16)])
        }
    });
    c.form(|a, [x, y, z], _, n| {
        let size = (n % 4) as u8;
        let lane = Imm(1);
        let r = if size == 3 { R64(z) } else { R32(z) };
        if n & 4 == 0 {
            a.vextract(size, z, y, 1);
            let name = [Vpextrb, Vpextrw, Vpextrd, Vpextrq][size as usize];
            (name, vec![r, X(y), lane])
        } else {
            a.vinsert(size, x, y, z, 1);
            let name = [Vpinsrb, Vpinsrw, Vpinsrd, Vpinsrq][size as usize];
            (name, vec![X(x), X(y), r, lane])
        }
    });
}
