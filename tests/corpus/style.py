"""Style transfer in small: an image is optimised against content and Gram-matrix losses of a fixed random network."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

torch.manual_seed(5)
torch.set_default_device('cpu')
size = 24
yy, xx = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing='ij')
content_img = torch.stack([(xx ** 2 + yy ** 2).sqrt() < 0.6, xx > 0, yy > 0]).float().unsqueeze(0)
style_img = torch.stack([torch.sin(8 * xx + 3 * yy), torch.cos(6 * yy), torch.sin(5 * xx * yy)]).unsqueeze(0) * 0.5 + 0.5
print(content_img.shape, content_img.mean((0, 2, 3)), style_img.mean((0, 2, 3)))


class ContentLoss(nn.Module):
    def __init__(self, target,):
        super(ContentLoss, self).__init__()
        self.target = target.detach()

    def forward(self, input):
        self.loss = F.mse_loss(input, self.target)
        return input


def gram_matrix(input):
    a, b, c, d = input.size()
    features = input.view(a * b, c * d)
    G = torch.mm(features, features.t())
    return G.div(a * b * c * d)


class StyleLoss(nn.Module):
    def __init__(self, target_feature):
        super(StyleLoss, self).__init__()
        self.target = gram_matrix(target_feature).detach()

    def forward(self, input):
        G = gram_matrix(input)
        self.loss = F.mse_loss(G, self.target)
        return input


class Normalization(nn.Module):
    def __init__(self, mean, std):
        super(Normalization, self).__init__()
        self.mean = mean.clone().detach().view(-1, 1, 1)
        self.std = std.clone().detach().view(-1, 1, 1)

    def forward(self, img):
        return (img - self.mean) / self.std


cnn = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(inplace=True),
    nn.MaxPool2d(2, 2), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(inplace=True)).eval()


def get_style_model_and_losses(cnn, style_img, content_img, content_layers=('conv_3',), style_layers=('conv_1', 'conv_2', 'conv_3')):
    normalization = Normalization(torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225]))
    content_losses, style_losses = [], []
    model = nn.Sequential(normalization)
    i = 0
    for layer in cnn.children():
        if isinstance(layer, nn.Conv2d):
            i += 1
            name = 'conv_{}'.format(i)
        elif isinstance(layer, nn.ReLU):
            name = 'relu_{}'.format(i)
            layer = nn.Softplus(beta=4)
        elif isinstance(layer, nn.MaxPool2d):
            name = 'pool_{}'.format(i)
            layer = nn.AvgPool2d(2)
        else:
            raise RuntimeError('Unrecognized layer: {}'.format(layer.__class__.__name__))
        model.add_module(name, layer)
        if name in content_layers:
            content_loss = ContentLoss(model(content_img).detach())
            model.add_module("content_loss_{}".format(i), content_loss)
            content_losses.append(content_loss)
        if name in style_layers:
            style_loss = StyleLoss(model(style_img).detach())
            model.add_module("style_loss_{}".format(i), style_loss)
            style_losses.append(style_loss)
    for i in range(len(model) - 1, -1, -1):
        if isinstance(model[i], ContentLoss) or isinstance(model[i], StyleLoss):
            break
    model = model[:(i + 1)]
    return model, style_losses, content_losses


model, style_losses, content_losses = get_style_model_and_losses(copy.deepcopy(cnn), style_img, content_img)
print(model)
model.eval()
model.requires_grad_(False)
input_img = content_img.clone().requires_grad_(True)
optimizer = optim.Adam([input_img], lr=0.02)
for step in range(40):
    with torch.no_grad():
        input_img.clamp_(0, 1)
    optimizer.zero_grad()
    model(input_img)
    style_score = sum(sl.loss for sl in style_losses) * 1e4
    content_score = sum(cl.loss for cl in content_losses)
    loss = style_score + content_score
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print('step {}: Style Loss : {:4f} Content Loss: {:4f}'.format(step, style_score.item(), content_score.item()))

input_img = content_img.clone().requires_grad_(True)
optimizer = optim.LBFGS([input_img], max_iter=5)
run = [0]
while run[0] <= 12:
    def closure():
        with torch.no_grad():
            input_img.clamp_(0, 1)
        optimizer.zero_grad()
        model(input_img)
        loss = sum(sl.loss for sl in style_losses) * 1e4 + sum(cl.loss for cl in content_losses)
        loss.backward()
        run[0] += 1
        if run[0] % 5 == 0:
            print("run {}: {:.3f}".format(run, loss.item()))
        return loss
    optimizer.step(closure)
with torch.no_grad():
    input_img.clamp_(0, 1)
small = F.interpolate(input_img, size=(3, 3), mode='bilinear', align_corners=False)
print(small[0, 0].detach(), F.interpolate(input_img, scale_factor=0.25, mode='nearest').shape)
